// One actor or object at this moment: its state, what is part of it, and how it came to be so.

import { usePlayhead } from "./hooks";
import { Icon } from "./icons";
import type { Playhead } from "./playhead";
import { short, type Choice } from "./stage";
import { last, type Thing } from "./story";
import { called, duration, kindOf, size, t, cut } from "./words";

const HIDDEN = new Set(["key", "kind", "name", "host", "of", "was", "layers"]);
const SIZES = new Set(["size", "bytes", "unpacked", "memory"]);

export function Inspector({ head, choice, hosts }: { head: Playhead; choice: Choice; hosts: number }) {
  usePlayhead(head);
  const key = choice.selected;
  if (!key) return <p class="empty">{t("click an actor")}</p>;
  const index = head.index;
  const thing = index.stateAt(key, head.at) ?? (kindOf(key) === "kernel" ? ({ key, kind: "kernel", name: "kernel" } as Thing) : null);
  const history = index.histories.get(key);
  const world = index.worldAt(head.at);
  const parts = [...world.values()].filter((each) => each.of === key);
  const spoke: number[] = [];
  for (let at = head.at; at >= 0 && spoke.length < 6 && at > head.at - 3000; at--) {
    const event = index.events[at];
    if ((event.actor === key || event.to === key) && event.kind !== "note") spoke.push(at);
  }
  const changes = history ? history.at.slice(0, last(history.at, head.at) + 1).filter((at) => at >= 0).slice(-8) : [];
  return (
    <div class="inspector">
      <h2><Icon kind={kindOf(key)} /> {called(key, hosts)} <small>{t(kindOf(key))}</small></h2>
      {thing ? (
        <dl>
          {Object.entries(thing).filter(([name, value]) => !HIDDEN.has(name) && value !== null && value !== undefined).map(([name, value]) => (
            <div key={name}><dt>{t(name)}</dt><dd>{cut(said(name, value), 2000)}</dd></div>
          ))}
          {Array.isArray(thing.layers) && thing.layers.length > 0 && <div><dt>{t("layers")}</dt><dd>{(thing.layers as string[]).join(" ")}</dd></div>}
          {parts.slice(0, 40).map((part) => <div key={part.key}><dt>{t(part.kind)}</dt><dd>{partOf(part)}</dd></div>)}
        </dl>
      ) : (
        <p class="empty">{t(history ? "not there at this moment" : "nothing is known of it")}</p>
      )}
      {changes.length > 0 && <Moments title={t("how it came to be so")} ats={changes} head={head} hosts={hosts} />}
      {spoke.length > 0 && <Moments title={t("its latest messages and steps")} ats={spoke.reverse()} head={head} hosts={hosts} />}
    </div>
  );
}

function Moments({ title, ats, head, hosts }: { title: string; ats: number[]; head: Playhead; hosts: number }) {
  return (
    <>
      <h3>{title}</h3>
      <ol class="moments">
        {ats.map((at) => {
          const event = head.index.events[at];
          return (
            <li key={at}>
              <button type="button" aria-current={at === head.at ? "step" : undefined} onClick={() => head.go(at)}>
                <span class="when">{duration(event.t)}</span> {event.kind === "message" ? `${called(event.actor, hosts)} → ${called(event.to ?? "", hosts)} ` : ""}{short(event)}
              </button>
            </li>
          );
        })}
      </ol>
    </>
  );
}

function said(name: string, value: unknown): string {
  if (SIZES.has(name)) return size(value);
  if (Array.isArray(value)) return value.join(" ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const NAME = new Map([["copy up", "C"], ["create", "A"], ["whiteout", "D"]]);

function partOf(part: Thing): string {
  if (part.kind === "endpoint") return `${part.address} (${called(String(part.network), 1)})`;
  if (part.kind === "mount") return `${part.target} ← ${part.volume ? called(String(part.volume), 1) : part.source}`;
  if (part.kind === "entry") return `${NAME.get(String(part.how)) ?? ""} ${part.path}`;
  return part.key;
}
