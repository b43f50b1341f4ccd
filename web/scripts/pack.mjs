// Makes build/web what the server embeds: a .gz beside each file and manifest.json, which lists them:
// {"files":[{"path","file","gzip","type","sha256","bytes","gzip_bytes","immutable"}]}, sorted by path. The same input gives
// the same bytes. Fails where the pages have grown past what they may weigh.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";

const folder = new URL("../../build/web/", import.meta.url).pathname;
const limit = 60_000;
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const pages = { "index.html": "/", "loop.html": "/loop" };

// zlib writes no time into the header; byte 9 says on which system it ran.
function gzip(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  packed[9] = 3;
  return packed;
}

function* filesBelow(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

for (const path of filesBelow(folder)) if (/\.gz$|manifest\.json$/.test(path)) rmSync(path);

const files = [...filesBelow(folder)].map((path) => {
  const file = relative(folder, path).split(sep).join("/");
  const type = types[extname(file)];
  if (!type) throw new Error(`${file}: no content type is known for it`);
  const bytes = readFileSync(path);
  const packed = gzip(bytes);
  writeFileSync(`${path}.gz`, packed);
  return {
    path: pages[file] ?? `/${file}`,
    file,
    gzip: `${file}.gz`,
    type,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    bytes: bytes.length,
    gzip_bytes: packed.length,
    immutable: file.startsWith("assets/"),
  };
});
files.sort((a, b) => (a.path < b.path ? -1 : 1));
writeFileSync(join(folder, "manifest.json"), `${JSON.stringify({ files }, null, 1)}\n`);

const total = files.reduce((sum, file) => sum + file.gzip_bytes, 0);
console.log(`web: ${files.length} files, ${total} bytes gzipped of ${limit}`);
if (total > limit) {
  for (const { file, gzip_bytes } of files) console.error(`  ${gzip_bytes}\t${file}`);
  throw new Error(`the pages weigh ${total} bytes gzipped, more than ${limit}`);
}
