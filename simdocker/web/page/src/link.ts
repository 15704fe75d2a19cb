// A link that carries what was typed: the world is deterministic, so the lines and keys are the whole session.

/** A line that was typed (`line`), or time that passed, as the server knows it. */
export interface Entry {
  host: string;
  line: string;
  pause: number;
  size: [number, number];
  keys: [number, string][];
  exit: number;
}

/** The entries as text for an address: JSON, deflated, in the letters that addresses leave alone. */
export async function packed(entries: Entry[]): Promise<string> {
  const stream = new Blob([JSON.stringify(entries)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The entries of such a text; null for what is none. The server looks at them closely. */
export async function unpacked(text: string): Promise<unknown[] | null> {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const entries: unknown = JSON.parse(await new Response(stream).text());
    return Array.isArray(entries) ? entries : null;
  } catch {
    return null;
  }
}
