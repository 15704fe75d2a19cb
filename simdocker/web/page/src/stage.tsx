// The stage: hosts with their client, daemon and kernel, images, containers in their networks, volumes; registries
// beside them. The browser lays the boxes out; messages travel on an SVG over them from box to box.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Icon, STATE_SIGN } from "./icons";
import { usePlayhead } from "./hooks";
import type { Playhead } from "./playhead";
import { lifeline } from "./rows";
import type { Event, Index, Thing, World } from "./story";
import { called, kindOf, size, t } from "./words";

export interface Choice {
  selected: string | null;
  select: (key: string | null) => void;
}

const FEW = 4; // hosts that are shown whole

export function Stage({ head, choice }: { head: Playhead; choice: Choice }) {
  usePlayhead(head);
  const index = head.index;
  const world = index.worldAt(head.at);
  const ground = useRef<HTMLDivElement>(null);
  const event = head.event;
  const sorted = useMemo(() => sort(world), [world]);
  const busy = busyOf(event);
  const hosts = sorted.hosts;
  const compact = hosts.length > FEW;
  const main = compact ? mainHost(index, head.at, hosts) : "";
  return (
    <div class={`stage${compact ? " many" : ""}`} ref={ground} role="group" aria-label={t("stage")}>
      <div class="hosts">
        {compact && main !== "" && <Host key={main} host={world.get(`host/${main}`)!} of={sorted.by.get(main)!} world={world} busy={busy} choice={choice} acts={actsOf(index, head.at, main)} many />}
        {compact ? (
          <div class="crowd">
            {hosts.filter((host) => host.name !== main).map((host) => (
              <Small key={host.key} host={host} of={sorted.by.get(host.name!)!} busy={busy.has(host.name!) || busyHost(event, host.name!)} choice={choice} />
            ))}
          </div>
        ) : (
          hosts.map((host) => (
            <Host key={host.key} host={host} of={sorted.by.get(host.name!)!} world={world} busy={busy} choice={choice} acts={actsOf(index, head.at, host.name!)} many={hosts.length > 1} />
          ))
        )}
      </div>
      <div class="registries">
        {sorted.registries.map((thing) => (
          <Actor key={thing.key} thing={thing} busy={busy.has(thing.key)} choice={choice} />
        ))}
      </div>
      <Wires head={head} ground={ground} world={world} compact={compact} />
    </div>
  );
}

interface OfHost {
  actors: Thing[];
  images: Thing[];
  layers: Thing[];
  containers: Thing[];
  networks: Thing[];
  volumes: Thing[];
  plugins: Thing[];
  endpoints: Thing[];
  ports: Thing[];
}

function sort(world: World) {
  const hosts: Thing[] = [], registries: Thing[] = [];
  const by = new Map<string, OfHost>();
  const of = (host: string): OfHost => {
    let found = by.get(host);
    if (!found) by.set(host, (found = { actors: [], images: [], layers: [], containers: [], networks: [], volumes: [], plugins: [], endpoints: [], ports: [] }));
    return found;
  };
  for (const thing of world.values()) {
    const here = thing.host ? of(thing.host) : null;
    switch (thing.kind) {
      case "host": if (thing.key.startsWith("host/")) hosts.push(thing); break;
      case "registry": case "nameserver": registries.push(thing); break;
      case "client": case "daemon": here?.actors.push(thing); break;
      case "image": here?.images.push(thing); break;
      case "layer": here?.layers.push(thing); break;
      case "container": here?.containers.push(thing); break;
      case "network": here?.networks.push(thing); break;
      case "volume": here?.volumes.push(thing); break;
      case "plugin": here?.plugins.push(thing); break;
      case "port": here?.ports.push(thing); break;
      case "endpoint": {
        const container = world.get(thing.of!);
        if (container?.host) of(container.host).endpoints.push(thing);
      }
    }
  }
  return { hosts, registries, by };
}

/** Which actors have to do with the event. */
function busyOf(event: Event | null): Set<string> {
  const found = new Set<string>();
  if (!event) return found;
  found.add(event.actor);
  found.add(lifeline(event));
  if (event.to) found.add(event.to);
  return found;
}

const busyHost = (event: Event | null, host: string): boolean =>
  !!event && (event.host === host || event.actor.endsWith(`@${host}`) || !!event.to?.endsWith(`@${host}`));

/** In a crowd one host is shown whole: where the event is. */
function mainHost(index: Index, at: number, hosts: Thing[]): string {
  const event = index.events[at];
  const name = event?.host || (event && event.step !== undefined && index.story.steps[event.step]?.on) || "";
  return hosts.some((host) => host.name === name) ? name : (hosts[0].name ?? "");
}

/** The kernel's steps on a host under the call at work. */
function actsOf(index: Index, at: number, host: string): string {
  const found: string[] = [];
  const kernel = `kernel@${host}`;
  for (let here = at; here >= 0 && here > at - 40 && found.length < 3; here--) {
    const event = index.events[here];
    if (event.actor === kernel) found.unshift(event.what);
    else if (event.kind === "note" && event.actor === "player") break;
  }
  return found.join("\n");
}

interface HostProps {
  host: Thing;
  of: OfHost;
  world: World;
  busy: Set<string>;
  choice: Choice;
  acts: string;
  many: boolean;
}

function Host({ host, of, world, busy, choice, acts, many }: HostProps) {
  const name = host.name!;
  const daemon = of.actors.some((each) => each.kind === "daemon");
  const networks = byNetwork(of);
  return (
    <section class="host" data-key={`host@${name}`} aria-label={t("host {name}", { name })}>
      <h3><Icon kind="host" /><span data-key={`name@${name}`}>{name}</span>{host.arch && many ? <small>{String(host.arch)}</small> : null}</h3>
      <div class="cast">
        {of.actors.map((thing) => (
          <Actor key={thing.key} thing={thing} busy={busy.has(thing.key)} choice={choice} />
        ))}
      </div>
      {daemon && (
        <div class="zones">
          <div class="zone" aria-label={t("images")} role="group">
            <h4>{t("images")}</h4>
            <div class="things"><Images of={of} busy={busy} choice={choice} /></div>
          </div>
          <div class="zone wide" aria-label={t("containers")} role="group">
            <h4>{t("containers")}</h4>
            <div class="things">
              {networks.map(([network, containers]) => (
                <div class={network ? "net" : "net none"} key={network?.key ?? ""}>
                  {network && (
                    <button type="button" class="netname" data-key={network.key} aria-pressed={choice.selected === network.key} onClick={() => choice.select(network.key)}>
                      <Icon kind="network" />{network.name} {network.subnet ? <small>{String(network.subnet)}</small> : null}
                    </button>
                  )}
                  <div class="things">
                    {containers.map((thing) => (
                      <Container key={thing.key} thing={thing} endpoints={of.endpoints.filter((each) => each.of === thing.key)} ports={of.ports} busy={busy.has(thing.key)} choice={choice} />
                    ))}
                    {!containers.length && !of.containers.length && <span class="nothing">{t("no container")}</span>}
                  </div>
                </div>
              ))}
            </div>
          </div>
          {(of.volumes.length > 0 || of.plugins.length > 0) && (
            <div class="zone" aria-label={t("volumes")} role="group">
              <h4>{of.volumes.length ? t("volumes") : t("plugins")}</h4>
              <div class="things">
                {[...of.volumes, ...of.plugins].map((thing) => <Chip key={thing.key} thing={thing} busy={busy.has(thing.key)} choice={choice} />)}
              </div>
            </div>
          )}
        </div>
      )}
      {daemon && <Kernel host={name} acts={acts} busy={busy.has(`kernel@${name}`)} choice={choice} />}
    </section>
  );
  function byNetwork(here: OfHost): [Thing | null, Thing[]][] {
    const found = new Map<string, Thing[]>(here.networks.map((network) => [network.key, []]));
    const alone: Thing[] = [];
    for (const container of here.containers) {
      const endpoint = here.endpoints.find((each) => each.of === container.key);
      const there = endpoint && found.get(String(endpoint.network));
      (there ?? alone).push(container);
    }
    const all: [Thing | null, Thing[]][] = [...found].map(([key, containers]) => [world.get(key) ?? null, containers]);
    if (alone.length || !all.length) all.push([null, alone]);
    return all;
  }
}

/** Who says in two words what it is for: what one needs who sees it for the first time. */
const ROLES = new Set(["client", "daemon", "registry", "nameserver"]);

const Actor = memo(function Actor({ thing, busy, choice }: { thing: Thing; busy: boolean; choice: Choice }) {
  const state = thing.state && !["running", "available"].includes(thing.state) ? thing.state : "";
  const name = thing.kind === "registry" ? thing.name! : t(thing.kind);
  return (
    <button type="button" class={`actor k-${thing.kind}${busy ? " busy" : ""}${state ? " off" : ""}`} data-key={thing.key}
      aria-pressed={choice.selected === thing.key} onClick={() => choice.select(thing.key)}>
      <Icon kind={thing.kind} />
      <span class="name">{name}</span>
      {!state && ROLES.has(thing.kind!) && <span class="sub">{t(`role ${thing.kind}`)}</span>}
      {state && <span class="sub">{STATE_SIGN[state] ?? ""} {state}</span>}
    </button>
  );
}, (a, b) => a.thing === b.thing && a.busy === b.busy && (a.choice.selected === a.thing.key) === (b.choice.selected === b.thing.key));

function Kernel({ host, acts, busy, choice }: { host: string; acts: string; busy: boolean; choice: Choice }) {
  const key = `kernel@${host}`;
  return (
    <button type="button" class={`actor k-kernel${busy ? " busy" : ""}`} data-key={key} aria-pressed={choice.selected === key} onClick={() => choice.select(key)}>
      <Icon kind="kernel" />
      <span class="name">{t("kernel")}</span>
      <span class="acts">{acts.split("\n").map((act, i, all) => <span key={i} class={busy && i === all.length - 1 ? "now" : ""}>{act || "\u00a0"}</span>)}</span>
    </button>
  );
}

const layersOf = (n: number): string => (n === 1 ? t("1 layer") : t("{n} layers", { n }));

/** The layers of an image as a small stack; those on their way before there is an image. */
function Images({ of, busy, choice }: { of: OfHost; busy: Set<string>; choice: Choice }) {
  const used = new Set<string>();
  const byId = new Map<string, { names: string[]; thing: Thing }>();
  for (const image of of.images) {
    for (const layer of (image.layers as string[]) ?? []) used.add(layer);
    const id = String(image.id);
    const found = byId.get(id);
    if (found) found.names.push(image.name!);
    else byId.set(id, { names: [image.name!], thing: image });
  }
  const coming = of.layers.filter((layer) => !used.has(layer.name!));
  return (
    <>
      {[...byId.values()].map(({ names, thing }) => (
        <button type="button" key={thing.key} class={`thing image${busy.has(thing.key) ? " busy" : ""}`} data-key={thing.key} aria-pressed={choice.selected === thing.key} onClick={() => choice.select(thing.key)}>
          <Icon kind="image" /><span class="name"><Breakable text={names.join(", ")} /></span>
          <span class="sub">{layersOf(((thing.layers as string[]) ?? []).length)}</span>
        </button>
      ))}
      {coming.length > 0 && (
        <div class="coming" role="group" aria-label={t("layers on their way")}>
          {coming.map((layer) => (
            <button type="button" key={layer.key} class={`block ${layer.state}`} data-key={layer.key} aria-pressed={choice.selected === layer.key} onClick={() => choice.select(layer.key)}
              title={`${layer.name} ${size(layer.size)}`} aria-label={t("layer {name}, {state}", { name: layer.name, state: layer.state })}>
              <span aria-hidden="true">{STATE_SIGN[layer.state ?? ""] ?? ""}</span>
            </button>
          ))}
          <span class="sub">{t("{n} of {all} layers unpacked", { n: coming.filter((each) => each.state === "extracted").length, all: coming.length })}</span>
        </div>
      )}
      {!byId.size && !coming.length && <span class="nothing">{t("no image")}</span>}
    </>
  );
}

/** A name that breaks, where it must, behind a colon, a slash or a joining sign. */
function Breakable({ text }: { text: string }) {
  return <>{text.split(/(?<=[:/_-])/).map((part, i) => [i > 0 && <wbr />, part])}</>;
}

function Container({ thing, endpoints, ports, busy, choice }: { thing: Thing; endpoints: Thing[]; ports: Thing[]; busy: boolean; choice: Choice }) {
  const state = thing.state ?? "";
  const published = ports.filter((port) => endpoints.some((each) => String(port.to).startsWith(`${each.address}:`)));
  const open = [...new Set(published.map((port) => `:${String(port.port).replace(/\/tcp$/, "")}`))];
  return (
    <button type="button" class={`thing container s-${state.replace(" ", "-")}${busy ? " busy" : ""}`} data-key={thing.key} aria-pressed={choice.selected === thing.key} onClick={() => choice.select(thing.key)}>
      <span class="name"><span class="sign" aria-hidden="true">{STATE_SIGN[state] ?? ""}</span><span><Breakable text={thing.name!} /></span></span>
      <span class="sub">{state}{thing.exit !== undefined && state !== "running" ? ` (${thing.exit})` : ""}{thing.health ? `, ${thing.health}` : ""}</span>
      {endpoints.map((each) => <span class="sub address" key={each.key}>{String(each.address)}</span>)}
      {open.length > 0 && <span class="sub">{t("port {port}", { port: open.join(" ") })}</span>}
    </button>
  );
}

function Chip({ thing, busy, choice }: { thing: Thing; busy: boolean; choice: Choice }) {
  const name = thing.name!.length > 20 ? `${thing.name!.slice(0, 12)}…` : thing.name;
  return (
    <button type="button" class={`thing ${thing.kind}${busy ? " busy" : ""}`} data-key={thing.key} aria-pressed={choice.selected === thing.key} onClick={() => choice.select(thing.key)}>
      <span class="name"><Icon kind={thing.kind} />{name}</span>
      {thing.kind === "plugin" && <span class="sub">{thing.state}</span>}
    </button>
  );
}

const Small = memo(function Small({ host, of, busy, choice }: { host: Thing; of: OfHost; busy: boolean; choice: Choice }) {
  const running = of.containers.filter((each) => each.state === "running").length;
  const key = `daemon@${host.name}`;
  return (
    <button type="button" class={`small${busy ? " busy" : ""}`} data-key={`host@${host.name}`} aria-pressed={choice.selected === key} onClick={() => choice.select(key)}
      aria-label={t("{name}: {images} images, {running} of {all} containers run", { name: host.name, images: of.images.length, running, all: of.containers.length })}>
      <span class="name">{host.name}</span>
      <span class="marks" aria-hidden="true">
        {of.layers.filter((each) => each.state !== "extracted").length ? "↓" : ""}{of.images.length ? "◆".repeat(Math.min(of.images.length, 3)) : ""}
        {of.containers.slice(0, 4).map((each) => STATE_SIGN[each.state ?? ""] ?? "").join("")}
      </span>
    </button>
  );
}, (a, b) => a.of.images.length === b.of.images.length && a.busy === b.busy && a.choice.selected === b.choice.selected && marks(a.of) === marks(b.of));

const marks = (of: OfHost): string => of.containers.map((each) => each.state).join() + of.layers.map((each) => each.state).join();

interface Spot { x: number; y: number; w: number; h: number }

const same = (a: Map<string, Spot>, b: Map<string, Spot>): boolean =>
  a.size === b.size && [...b].every(([key, spot]) => {
    const other = a.get(key);
    return !!other && other.x === spot.x && other.y === spot.y && other.w === spot.w && other.h === spot.h;
  });

/** The lines between the boxes, and the message on its way. Positions are measured after each layout. */
function Wires({ head, ground, world, compact }: { head: Playhead; ground: { current: HTMLElement | null }; world: World; compact: boolean }) {
  const [spots, setSpots] = useState<Map<string, Spot>>(new Map());
  const [extent, setExtent] = useState({ w: 0, h: 0 });
  const token = useRef<SVGGElement>(null);
  useLayoutEffect(() => {
    const element = ground.current!;
    const measure = () => {
      const base = element.getBoundingClientRect();
      const found = new Map<string, Spot>();
      // In a crowd only who takes part has a place: the others have no lines, and a hundred boxes take time to measure.
      const away = compact ? [head.event?.actor, head.event?.to].map((key) => `host@${key?.slice(key.lastIndexOf("@") + 1)}`) : [];
      for (const box of element.querySelectorAll<HTMLElement>("[data-key]")) {
        if (compact && box.classList.contains("small") && !away.includes(box.dataset.key!)) continue;
        const r = box.getBoundingClientRect();
        found.set(box.dataset.key!, { x: r.left - base.left + element.scrollLeft, y: r.top - base.top + element.scrollTop, w: r.width, h: r.height });
      }
      // Nothing is drawn again where nothing has moved: a scrub measures on every frame.
      setSpots((before) => (same(before, found) ? before : found));
      const w = element.scrollWidth, h = element.scrollHeight;
      setExtent((before) => (before.w === w && before.h === h ? before : { w, h }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    for (const child of element.children) if (child.tagName !== "svg") observer.observe(child);
    return () => observer.disconnect();
  }, [world, compact, compact ? `${head.event?.actor} ${head.event?.to}` : ""]);

  // Who speaks is in sight, also where the stage is higher than its window.
  useLayoutEffect(() => {
    const element = ground.current!, event = head.event;
    for (const key of event ? [event.to ?? "", lifeline(event), event.actor] : []) {
      const spot = spots.get(key);
      if (!spot) continue;
      if (spot.y + spot.h > element.scrollTop + element.clientHeight) element.scrollTop = spot.y + spot.h - element.clientHeight + 16;
      else if (spot.y < element.scrollTop) element.scrollTop = Math.max(0, spot.y - 50);
    }
  }, [head.at, spots]);

  const spotOf = (key: string): Spot | undefined => spots.get(key) ?? spots.get(`host@${key.slice(key.lastIndexOf("@") + 1)}`);
  const links = useMemo(() => pairs(head.index), [head.index, head.index.length]);
  const event = head.event;
  const away = event?.kind === "message" && event.to ? way(spotOf(event.actor), spotOf(event.to)) : null;
  const mounts = [...world.values()].filter((each) => each.kind === "mount" && each.volume);
  const place = (progress: number) => {
    if (!token.current || !away) return;
    const eased = progress < 0.5 ? 2 * progress * progress : 1 - (2 - 2 * progress) ** 2 / 2;
    token.current.setAttribute("transform", `translate(${away.x1 + (away.x2 - away.x1) * eased} ${away.y1 + (away.y2 - away.y1) * eased})`);
  };
  useEffect(() => head.onMove(place));
  useLayoutEffect(() => place(head.progress));
  const label = event && away ? short(event) : "";
  const width = Math.min(label.length * (innerWidth >= 1700 ? 11.6 : 9.1) + 22, Math.max(extent.w - 12, 60));
  const middle = away && besideNames(
    {
      x: clamp((away.x1 + away.x2) / 2, width / 2 + 6, extent.w - width / 2 - 6),
      y: clamp(heightOf(away, spotOf(event!.actor)!, spotOf(event!.to!)!, width), 18, extent.h - 18),
    },
    width, spots,
  );
  return (
    <>
      <svg class="wires" width={extent.w} height={extent.h} aria-hidden="true">
        {links.filter((pair) => !compact || pair.some((key) => spots.has(key) && kindOf(key) !== "registry")).map(([a, b]) => {
          const line = way(spotOf(a), spotOf(b));
          return line && <line key={`${a} ${b}`} {...line} />;
        })}
        {mounts.map((mount) => {
          const line = way(spots.get(mount.of!), spots.get(String(mount.volume)));
          return line && <line key={mount.key} class="mount" {...line} />;
        })}
      </svg>
      <svg class="wires over" width={extent.w} height={extent.h} aria-hidden="true">
        {event && away && (
          <>
            <line class={`flight k-${kindOf(event.actor)}${event.fails ? " fails" : ""}`} {...away} />
            <g class={`message${event.fails ? " fails" : ""}${event.reply ? " reply" : ""}`}>
              <g ref={token} class={`token k-${kindOf(event.actor)}`}>
                {event.fails ? <path d="M-9 -9L9 9M9 -9L-9 9" /> : event.reply ? <path d="M0 -10L10 0 0 10 -10 0z" /> : <circle r="9" />}
              </g>
              <g transform={`translate(${middle!.x} ${middle!.y})`}>
                <rect x={-width / 2} y="-14" width={width} height="28" rx="14" />
                <text y="5" text-anchor="middle">{label}</text>
              </g>
            </g>
          </>
        )}
      </svg>
    </>
  );
}

/** Where a label goes: onto a slanting line, above a level one, and above both boxes where it is wider than the gap. */
function heightOf(line: { x1: number; x2: number; y1: number; y2: number }, a: Spot, b: Spot, width: number): number {
  const middle = (line.y1 + line.y2) / 2;
  if (Math.abs(line.y2 - line.y1) >= 40) return middle;
  return Math.abs(line.x2 - line.x1) < width + 4 ? Math.min(a.y, b.y) - 17 : middle - 28;
}

/** A label covers no host's name: it moves to the right of it. */
function besideNames(label: { x: number; y: number }, width: number, spots: Map<string, Spot>): { x: number; y: number } {
  for (const [key, spot] of spots) {
    if (!key.startsWith("name@") || label.y + 14 < spot.y || label.y - 14 > spot.y + spot.h) continue;
    if (label.x - width / 2 < spot.x + spot.w + 8 && label.x + width / 2 > spot.x) return { x: spot.x + spot.w + 8 + width / 2, y: label.y };
  }
  return label;
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, Math.max(low, high)));

/** Who talks to whom in all that is known, among those who are always there. */
function pairs(index: Index): [string, string][] {
  const found = new Map<string, [string, string]>();
  for (const event of index.events) {
    if (event.kind !== "message" || !event.to || event.actor === event.to) continue;
    const pair = [event.actor, event.to].sort() as [string, string];
    if (pair.every((key) => ["client", "daemon", "registry"].includes(kindOf(key)))) found.set(pair.join(" "), pair);
  }
  return [...found.values()];
}

/** A line from the edge of one box to the edge of another. */
function way(a: Spot | undefined, b: Spot | undefined) {
  if (!a || !b || a === b) return null;
  const ax = a.x + a.w / 2, ay = a.y + a.h / 2, bx = b.x + b.w / 2, by = b.y + b.h / 2;
  const cut = (s: Spot, dx: number, dy: number) => Math.min(dx ? s.w / 2 / Math.abs(dx) : Infinity, dy ? s.h / 2 / Math.abs(dy) : Infinity);
  const dx = bx - ax, dy = by - ay;
  const from = Math.min(cut(a, dx, dy), 0.5), to = Math.min(cut(b, dx, dy), 0.5);
  return { x1: ax + dx * from, y1: ay + dy * from, x2: bx - dx * to, y2: by - dy * to };
}

/** What stands on a message in flight. */
export function short(event: Event): string {
  let text = event.what.replace(/sha256:([0-9a-f]{12})/g, "$1").replace(/\/([0-9a-f]{12})[0-9a-f]*/g, "/$1");
  if (event.attrs?.of && event.what !== "hang up") text = event.attrs.bytes ? `${event.what} (${size(event.attrs.bytes)})` : event.what;
  if (event.attrs?.name && event.what.endsWith("/create")) text += ` ${event.attrs.name}`;
  if (event.attrs?.fromImage) text += ` ${String(event.attrs.fromImage).replace(/^docker\.io\/(library\/)?/, "")}`;
  return text.length > 58 ? `${text.slice(0, 57)}…` : text;
}

/** An event in words, for who cannot see the stage. */
export function inWords(event: Event, hosts: number): string {
  const why = event.why ? `: ${event.why}` : "";
  if (event.kind === "message") return `${called(event.actor, hosts)} → ${called(event.to ?? "", hosts)}, ${short(event)}${why}`;
  if (event.kind === "note") return `${event.what}${why}`;
  return `${called(event.actor, hosts)} ${event.what}${why}`;
}
