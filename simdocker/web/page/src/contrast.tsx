// Two runs on one axis of time: each command a band, each request a bar as long as its answer took; what only one of
// them did, or did otherwise, is marked.

import { useMemo, useState } from "preact/hooks";
import { scaleLinear } from "d3-scale";
import { usePlayhead, useSize } from "./hooks";
import type { Playhead } from "./playhead";
import type { Story } from "./story";
import { duration, t } from "./words";

/** A request on both; times in ns since its run began, `took` until the answer; null where one did not send it. */
export interface Pair {
  what: string;
  one: [number, number | null] | null;
  other: [number, number | null] | null;
}

export interface Both {
  command: string;
  on: string;
  one: [number, number] | null;
  other: [number, number] | null;
  calls: Pair[];
  differences: string[];
  reordered: string[];
}

export interface Comparison {
  one: string;
  other: string;
  steps: Both[];
  agree: boolean;
}

const BAR = 20, GAP = 6, LEFT = 12;

export function Contrast({ comparison, stories, head }: { comparison: Comparison; stories: Story[]; head: Playhead }) {
  usePlayhead(head);
  const [aligned, setAligned] = useState(true);
  const [box, { width }] = useSize<HTMLDivElement>();
  const [chosen, choose] = useState(0);
  const offsets = useMemo(() => align(comparison, aligned), [comparison, aligned]);
  const end = Math.max(...comparison.steps.flatMap((step, i) => [step.one ? step.one[1] + offsets[i][0] : 0, step.other ? step.other[1] + offsets[i][1] : 0]), 1);
  const scale = scaleLinear([0, end], [LEFT, Math.max(width - 28, 200)]);
  const differing = comparison.steps.filter((step) => step.differences.length).length;
  const lonely = comparison.steps.reduce((sum, step) => sum + step.calls.filter((call) => !call.one || !call.other).length, 0);
  const step = comparison.steps[chosen];
  return (
    <div class="contrast" role="group" aria-label={t("comparison")}>
      <div class="bar">
        <div class="seg" role="group" aria-label={t("axis")}>
          <button type="button" aria-pressed={aligned} onClick={() => setAligned(true)}>{t("each command together")}</button>
          <button type="button" aria-pressed={!aligned} onClick={() => setAligned(false)}>{t("as it went")}</button>
        </div>
        <p class={`verdict${differing ? " fails" : ""}`}>{differing ? `✕ ${t("{n} of {all} commands differ", { n: differing, all: comparison.steps.length })}` : `✓ ${t("all {all} commands have equal outcomes", { all: comparison.steps.length })}`}{lonely ? `, ${t("{n} messages on one side only", { n: lonely })}` : ""}</p>
        <p class="legend"><span class="one">▬ {comparison.one}</span> <span class="other">▭ {comparison.other}</span></p>
      </div>
      <div class="lanes" ref={box} tabIndex={0} role="group" aria-label={t("both runs")}>
        <svg class="axis" width={Math.max(width - 12, 0)} height="26" aria-hidden="true">
          {scale.ticks(Math.max(3, Math.floor(width / 120))).map((tick) => <g key={tick} class="tick"><line x1={scale(tick)} x2={scale(tick)} y1="20" y2="26" /><text x={scale(tick)} y="15" text-anchor="middle">{duration(tick)}</text></g>)}
        </svg>
        {comparison.steps.map((each, i) => (
          <section key={i} class={`both${i === chosen ? " chosen" : ""}${each.differences.length ? " fails" : ""}`}>
            <button type="button" aria-pressed={i === chosen} onClick={() => { choose(i); goTo(head, stories[0], i); }}>
              <b aria-hidden="true">{each.differences.length ? "✕" : "✓"}</b> <code>{each.command.split("\n")[0]}</code> <small>{took(each)}</small>
              {each.differences.length > 0 && <span class="sr">{t("differs")}</span>}
            </button>
            <svg width={Math.max(width - 12, 0)} height={2 * BAR + GAP + 10} aria-hidden="true">
              {(["one", "other"] as const).map((side, lane) => {
                const span = each[side];
                const shift = offsets[i][lane];
                const y = 4 + lane * (BAR + GAP);
                return span && (
                  <g key={side} class={side}>
                    <rect class="span" x={scale(span[0] + shift)} y={y} width={Math.max(scale(span[1]) - scale(span[0]), 2)} height={BAR} rx="3" />
                    {each.calls.map((call, n) => {
                      const here = call[side];
                      if (!here) return null;
                      const lone = !call.one || !call.other;
                      const x = scale(here[0] + shift), w = Math.max(scale(here[0] + (here[1] ?? 0)) - scale(here[0]), 3);
                      return <g key={n} class={lone ? "lone" : ""}><rect class="call" x={x} y={y + 3} width={w} height={BAR - 6} rx="2" />{lone && <text x={x + w / 2} y={y + BAR - 4} text-anchor="middle">✕</text>}</g>;
                    })}
                  </g>
                );
              })}
              {each.calls.filter((call) => call.one && call.other).map((call, n) => <line key={n} class="pair" x1={scale(call.one![0] + offsets[i][0])} x2={scale(call.other![0] + offsets[i][1])} y1={4 + BAR} y2={4 + BAR + GAP} />)}
            </svg>
          </section>
        ))}
      </div>
      {step && (
        <div class="detail" tabIndex={0} role="group" aria-label={t("this command on both")}>
          <table>
            <caption><code>{step.command.split("\n")[0]}</code></caption>
            <thead><tr><th scope="col">{t("message")}</th><th scope="col">{comparison.one}</th><th scope="col">{comparison.other}</th></tr></thead>
            <tbody>
              {step.calls.map((call, n) => (
                <tr key={n} class={!call.one || !call.other ? "lone" : ""}><th scope="row"><code>{call.what}</code></th><td>{time(call.one)}</td><td>{time(call.other)}</td></tr>
              ))}
              <tr class="sum"><th scope="row">{t("the command")}</th><td>{step.one ? duration(step.one[1] - step.one[0]) : "–"}</td><td>{step.other ? duration(step.other[1] - step.other[0]) : "–"}</td></tr>
            </tbody>
          </table>
          {step.differences.length > 0 && <pre class="diff" aria-label={t("differences")}>{step.differences.map((line, n) => <span key={n} class={line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : ""}>{line}{"\n"}</span>)}</pre>}
          {step.reordered.length > 0 && <><p>{t("the same lines in another order")}</p><pre class="diff">{step.reordered.join("\n")}</pre></>}
        </div>
      )}
    </div>
  );
}

const time = (call: [number, number | null] | null): string => (call === null ? `✕ ${t("not sent")}` : call[1] === null ? t("no answer") : duration(call[1]));

const took = (each: Both): string => [each.one, each.other].map((span) => (span ? duration(span[1] - span[0]) : "–")).join(" / ");

function goTo(head: Playhead, story: Story, number: number): void {
  const commands = story.steps.filter((step) => step.line);
  const step = commands[number];
  if (step) {
    head.pause();
    head.go(head.index.positionOf(step.first));
  }
}

/** How far each step's bars are moved to the right: so that each command begins on both at the same place, or not. */
function align(comparison: Comparison, together: boolean): [number, number][] {
  if (!together) return comparison.steps.map(() => [0, 0]);
  let at = 0;
  return comparison.steps.map((step) => {
    const found: [number, number] = [at - (step.one?.[0] ?? 0), at - (step.other?.[0] ?? 0)];
    at += Math.max(step.one ? step.one[1] - step.one[0] : 0, step.other ? step.other[1] - step.other[0] : 0) * 1.02;
    return found;
  });
}
