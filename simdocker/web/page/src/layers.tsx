// Images as stacks of layers, and containers as a writable layer on top of one. A layer that several images share is
// one block that reaches under all of them: it is on disk once.

import { useState } from "preact/hooks";
import { usePlayhead } from "./hooks";
import { STATE_SIGN } from "./icons";
import type { Playhead } from "./playhead";
import type { Choice } from "./stage";
import type { Thing, World } from "./story";
import { size, t } from "./words";

interface Stack {
  key: string;
  title: string;
  layers: string[];
  container?: Thing;
  image?: Thing;
}

const SIGN = new Map([["copy up", ["C", "copied up"]], ["create", ["A", "new"]], ["whiteout", ["D", "whiteout"]]]);
const MOST = 9; // entries that a block shows

export function Layers({ head, choice }: { head: Playhead; choice: Choice }) {
  usePlayhead(head);
  const world = head.index.worldAt(head.at);
  const hosts = [...new Set([...world.values()].filter((each) => ["image", "layer", "container"].includes(each.kind)).map((each) => each.host!))];
  const [chosen, choose] = useState("");
  const now = head.event?.host ?? "";
  const host = hosts.includes(chosen) ? chosen : hosts.includes(now) ? now : (hosts[0] ?? "");
  const layers = new Map([...world.values()].filter((each) => each.kind === "layer" && each.host === host).map((each) => [each.name!, each]));
  const stacks = stacksOf(world, host);
  const shared = new Map<string, number>();
  for (const stack of stacks) if (stack.image) for (const layer of stack.layers) shared.set(layer, (shared.get(layer) ?? 0) + 1);
  const used = new Set(stacks.flatMap((stack) => stack.layers));
  const coming = [...layers.keys()].filter((name) => !used.has(name));
  return (
    <div class="layers" role="group" aria-label={t("layers")}>
      <div class="bar">
        {hosts.length > 1 && (
          <label>{t("host")} <select value={host} onChange={(e) => choose(e.currentTarget.value)}>{hosts.map((name) => <option key={name}>{name}</option>)}</select></label>
        )}
        <p class="sum">{summary(stacks, layers)}</p>
      </div>
      <div class="shelf" tabIndex={0} role="group" aria-label={t("stacks of layers")}>
        {coming.length > 0 && (
          <section class="stack coming">
            <ol class="blocks">
              {[...coming].reverse().map((name) => <Block key={name} name={name} layer={layers.get(name)} count={1} choice={choice} />)}
            </ol>
            <h3>{t("layers on their way")}</h3>
          </section>
        )}
        {stacks.map((stack) => (
          <section class={`stack${stack.container ? " of-container" : ""}`} key={stack.key}>
            <ol class="blocks">
              {stack.container && <Writable container={stack.container} world={world} choice={choice} now={head.event?.seq ?? -1} head={head} />}
              {[...stack.layers].reverse().map((name) => (
                <Block key={name} name={name} layer={layers.get(name)} count={shared.get(name) ?? 1} thin={!!stack.container} choice={choice} />
              ))}
            </ol>
            <h3><button type="button" aria-pressed={choice.selected === stack.key} onClick={() => choice.select(stack.key)}>
              {stack.container && <span aria-hidden="true">{STATE_SIGN[stack.container.state ?? ""]} </span>}{stack.title}</button>
              <small>{stack.container ? `${t("container")}, ${stack.container.state}` : t("image")}</small>
            </h3>
          </section>
        ))}
        {!stacks.length && !coming.length && <p class="empty">{t("no image yet")}</p>}
      </div>
    </div>
  );
}

function stacksOf(world: World, host: string): Stack[] {
  const images = new Map<string, Stack>();
  const containers: Stack[] = [];
  for (const thing of world.values()) {
    if (thing.host !== host) continue;
    if (thing.kind === "image") {
      const found = images.get(String(thing.id));
      if (found) found.title += `, ${thing.name}`;
      else images.set(String(thing.id), { key: thing.key, title: thing.name!, layers: (thing.layers as string[]) ?? [], image: thing });
    } else if (thing.kind === "container") {
      containers.push({ key: thing.key, title: thing.name!, layers: (thing.layers as string[]) ?? [], container: thing });
    }
  }
  const sorted = [...images.values()].sort((a, b) => a.layers.join().localeCompare(b.layers.join()));
  const result: Stack[] = [];
  const placed = new Set<Stack>();
  for (const image of sorted) {
    result.push(image);
    for (const container of containers) {
      if (!placed.has(container) && container.layers.join() === image.layers.join()) {
        placed.add(container);
        result.push(container);
      }
    }
  }
  return [...result, ...containers.filter((each) => !placed.has(each))];
}

function summary(stacks: Stack[], layers: Map<string, Thing>): string {
  const images = stacks.filter((stack) => stack.image);
  const bytes = (name: string) => Number(layers.get(name)?.unpacked ?? layers.get(name)?.size ?? 0);
  const once = new Set(images.flatMap((image) => image.layers));
  const all = images.reduce((sum, image) => sum + image.layers.reduce((part, name) => part + bytes(name), 0), 0);
  const disk = [...once].reduce((sum, name) => sum + bytes(name), 0);
  return t("images of {all} altogether take {disk} on disk: a layer is stored once", { all: size(all), disk: size(disk) });
}

/** A hue for a layer, so that the same one is found again in another stack; its digest says so too. */
const hue = (name: string): number => (parseInt(name.slice(0, 4), 16) * 47) % 360;

function Block({ name, layer, count, thin = false, choice }: { name: string; layer?: Thing; count: number; thin?: boolean; choice: Choice }) {
  const state = layer?.state ?? "extracted";
  const bytes = Number(layer?.unpacked ?? layer?.size ?? 0);
  const height = thin ? 26 : Math.round(26 + 6 * Math.max(0, Math.log10(Math.max(bytes, 1)) - 2));
  const key = layer?.key ?? "";
  return (
    <li>
      <button type="button" class={`block ${state}${count > 1 ? " shared" : ""}${thin ? " thin" : ""}`} style={{ height: `${height}px`, "--hue": String(hue(name)) }} data-layer={name}
        aria-pressed={choice.selected === key} onClick={() => choice.select(key)}
        >
        <span class="sr">{t("layer")} </span><code>{name}</code>
        {!thin && <span>{state !== "extracted" && <><span aria-hidden="true">{STATE_SIGN[state] ?? ""} </span>{state} </>}{bytes ? size(bytes) : ""}{count > 1 && <><span aria-hidden="true"> ×{count}</span><span class="sr">, {t("in {n} images", { n: count })}</span></>}</span>}
        {thin && <span>{t("read-only")}</span>}
      </button>
    </li>
  );
}

function Writable({ container, world, choice, head }: { container: Thing; world: World; choice: Choice; now: number; head: Playhead }) {
  const entries = [...world.values()].filter((each) => each.kind === "entry" && each.of === container.key);
  const mounts = [...world.values()].filter((each) => each.kind === "mount" && each.of === container.key);
  const event = head.event;
  const fresh = new Set(event?.changes?.map(([key]) => key));
  return (
    <li>
      <button type="button" class="block writable" aria-pressed={choice.selected === container.key} onClick={() => choice.select(container.key)}>
        <span class="cap">{t("writable layer")}</span>
        {entries.slice(-MOST).map((entry) => {
          const [letter, how] = SIGN.get(String(entry.how)) ?? ["", ""];
          return <span key={entry.key} class={`entry e-${String(entry.how).replace(" ", "-")}${fresh.has(entry.key) ? " fresh" : ""}`}><b>{letter}</b> <span class="path">{String(entry.path)}</span> <small>{t(how)}</small></span>;
        })}
        {entries.length > MOST && <span class="entry">… {t("and {n} more", { n: entries.length - MOST })}</span>}
        {!entries.length && <span class="entry"><small>{t("nothing written yet")}</small></span>}
        {mounts.map((mount) => <span key={mount.key} class="entry"><b>⇄</b> <span class="path">{String(mount.target)}</span> <small>{t(mount.volume ? "volume" : "bind")}</small></span>)}
      </button>
    </li>
  );
}
