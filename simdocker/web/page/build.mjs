// Builds ../assets/ from src/: a script and a style sheet for the viewer and for the live page, and the
// licences of what is in them.
// The same sources and package-lock.json give the same bytes on every machine.
import { build } from "esbuild";
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "assets");
await mkdir(out, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: { viewer: "src/main.tsx", live: "src/live.tsx" },
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "simdocker",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: out,
  metafile: true,
  logLevel: "warning",
});

const used = new Set();
for (const file of Object.keys(result.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file);
  if (found) used.add(found[1]);
}
const parts = ["viewer.js and live.js hold, besides simdocker's own code, these packages:\n"];
for (const name of [...used].sort()) {
  const folder = join(here, "node_modules", name);
  const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const licence = await readFile(join(folder, "LICENSE"), "utf8");
  parts.push(`${"=".repeat(72)}\n${name} ${about.version} (${about.license})\n\n${licence.trim()}\n`);
}
await writeFile(join(out, "NOTICE"), parts.join("\n"));
