// A shape for each kind of actor and object, so that none is told by colour alone.

const PATHS: Record<string, string> = {
  client: "M3 4h18v13H3zM8 21h8M12 17v4M6 8l3 2.5L6 13M11 13h5",
  daemon: "M12 2l9 5v10l-9 5-9-5V7zM12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8",
  registry: "M4 6c0-2 3.6-3 8-3s8 1 8 3-3.6 3-8 3-8-1-8-3zM4 6v12c0 2 3.6 3 8 3s8-1 8-3V6M4 12c0 2 3.6 3 8 3s8-1 8-3",
  kernel: "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
  container: "M2 7h20v11H2zM6 10v5M10 10v5M14 10v5M18 10v5",
  image: "M12 3l9 4.5-9 4.5-9-4.5zM3 12l9 4.5 9-4.5M3 16.5L12 21l9-4.5",
  layer: "M12 6l9 5-9 5-9-5z",
  volume: "M5 4h14v16H5zM5 15h14M9 17.5h.1",
  network: "M12 3v6M5 15v-3h14v3M3 15h4v5H3zM10 9h4v3h-4zM17 15h4v5h-4z",
  plugin: "M9 3v5M15 3v5M6 8h12v4a6 6 0 0 1-12 0zM12 18v3",
  host: "M3 5h18v11H3zM1 20h22",
  nameserver: "M4 4h16v16H4zM8 9h8M8 13h5",
};

export function Icon({ kind }: { kind: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={Object.hasOwn(PATHS, kind) ? PATHS[kind] : PATHS.host} />
    </svg>
  );
}

export const STATE_SIGN: Record<string, string> = Object.assign(Object.create(null), {
  created: "○", running: "●", paused: "❚❚", exited: "■", died: "■", restarting: "↻", removing: "✕", "start failed": "✕",
  downloading: "↓", downloaded: "▤", extracted: "■", available: "●", refused: "✕", stopped: "■", killed: "✕", starting: "↻",
  stopping: "↓", enabled: "●", disabled: "■", installed: "○", hangs: "…",
});
