#pragma once

namespace evaluate {

// What a report does besides showing: copies its tables, saves its plots. Before it stands
// `const plotStyle = "…";`. It makes the buttons itself, so that without scripts there are none.
inline constexpr const char* kReportScript = R"js(
(() => {
  "use strict";
  const said = document.createElement("p");
  said.className = "said";
  said.setAttribute("role", "status");
  document.body.append(said);
  let clearing = 0;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(clearing);
    clearing = setTimeout(() => { said.textContent = ""; }, 3000);
  };
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      say(what + " copied");
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      say(document.execCommand("copy") ? what + " copied" : "The browser does not allow copying");
      area.remove();
    }
  };
  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    say(name + " saved");
  };
  const tools = (holder, label, entries) => {
    const bar = document.createElement("div");
    bar.className = "tools";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", label);
    for (const [text, work] of entries) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.setAttribute("aria-label", label + ": " + text);
      button.addEventListener("click", work);
      bar.append(button);
    }
    holder.append(bar);
  };
  for (const sheet of document.querySelectorAll(".sheet")) {
    const data = sheet.dataset;
    tools(sheet, "Copy table " + data.name, [
      ["Markdown", () => copy(data.markdown, "Markdown")],
      ["LaTeX", () => copy(data.latex, "LaTeX")],
      ["CSV", () => copy(data.csv, "CSV")],
    ]);
  }
  // The plot as a file of its own: title and legend, which stand outside the frame, come into it.
  const alone = (svg) => {
    const copied = svg.cloneNode(true);
    const [x, y, width, height] = svg.dataset.alone.split(" ").map(Number);
    copied.setAttribute("viewBox", svg.dataset.alone);
    copied.setAttribute("width", width);
    copied.setAttribute("height", height);
    copied.removeAttribute("data-alone");
    const style = document.createElementNS(svg.namespaceURI, "style");
    style.textContent = plotStyle;
    copied.prepend(style);
    return {text: new XMLSerializer().serializeToString(copied), width, height};
  };
  for (const figure of document.querySelectorAll("figure[data-name]")) {
    const svg = figure.querySelector("svg");
    const name = figure.dataset.name;
    tools(figure, "Save plot " + name, [
      ["SVG", () => save(new Blob([alone(svg).text], {type: "image/svg+xml"}), name + ".svg")],
      ["PNG", () => {
        const {text, width, height} = alone(svg);
        const image = new Image();
        image.onload = () => {
          const canvas = document.createElement("canvas");
          canvas.width = 3 * width;
          canvas.height = 3 * height;
          canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
          canvas.toBlob((blob) => save(blob, name + ".png"), "image/png");
        };
        image.onerror = () => say("The browser does not draw the plot");
        image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
      }],
    ]);
  }
})();
)js";

}  // namespace evaluate
