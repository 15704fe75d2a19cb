// Words of the page, from the same table as the narrator's (narration/en.yaml, `page`), and how amounts are written.

let table: Record<string, string> = {};
export let language = "en";

export function speak(texts: Record<string, string> | undefined, of = "en"): void {
  table = Object.assign(Object.create(null), texts); // a name may be any word, such as `constructor`
  language = of;
}

export function t(key: string, values: Record<string, unknown> = {}): string {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? "–"));
}

/** A text of which one sees the beginning; how much is left out is said. */
export function cut(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, letters)}… (${t("and {n} more letters", { n: text.length - letters })})`;
}

const UNITS: [number, string][] = [[60e9, "min"], [1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];

/** A time as one says it: three digits and a unit. */
export function duration(ns: number): string {
  if (ns === 0) return "0 s";
  const [size, unit] = UNITS.find(([size]) => Math.abs(ns) >= size) ?? UNITS[4];
  const value = ns / size;
  const digits = Math.abs(value) >= 100 || unit === "ns" ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

/** What `duration` writes, read back; a plain number is ns. */
export function nanoseconds(text: string): number | null {
  const found = /^\s*([\d.]+)\s*(ns|us|µs|ms|s|min|m)?\s*$/.exec(text);
  if (!found) return null;
  const unit = { us: "µs", m: "min" }[found[2]] ?? found[2] ?? "ns";
  return Math.round(Number(found[1]) * UNITS.find(([, name]) => name === unit)![0]);
}

export function size(bytes: unknown): string {
  let value = Number(bytes);
  if (!Number.isFinite(value)) return "";
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 1000 || unit === "GB") return `${value < 10 && unit !== "B" ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1000;
  }
  return "";
}

/** Who an actor is, in words; without the host where there is only one. */
export function called(key: string, hosts: number): string {
  const [name, place] = [key.replace(/@[^@]*$/, ""), key.slice(key.lastIndexOf("@") + 1)];
  if (name === "registry") return place;
  const short = name.includes("/") ? name.slice(name.indexOf("/") + 1) : t(name);
  return hosts > 1 && key.includes("@") ? `${short} · ${place}` : short;
}

export const kindOf = (key: string): string => /^[^@/]*/.exec(key)![0];
