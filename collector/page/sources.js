// The collectors whose records the page shows: its own, and the peers that this names.
import { ask, json, own, Refused } from "./stream.js";

const RETRY = 1000;

/** True for an answer that another attempt may mend: none, half of one, or that of a proxy. */
const passes = (error) =>
  error instanceof TypeError || error instanceof SyntaxError || (error instanceof Refused && error.status >= 500);

/** The peers, as the page's own collector names them, each once. A collector without the route has none. */
async function peers() {
  for (;;) {
    try {
      const list = await json(await ask(own, "peers", "", "application/json"));
      const origins = list.filter(({ url }) => URL.canParse(url)).map(({ url }) => new URL(url).origin);
      return [...new Set(origins)].filter((origin) => origin !== own.base.origin).map((origin) => new URL(origin));
    } catch (error) {
      if (!passes(error)) return [];
      await new Promise((wake) => setTimeout(wake, RETRY));
    }
  }
}

/** Names without the port, if the hosts differ and the ports do not. */
function named(sources) {
  const hosts = sources.map(({ base }) => base.hostname);
  const ports = new Set(sources.map(({ base }) => base.port));
  const plain = ports.size === 1 && new Set(hosts).size === hosts.length;
  return sources.map((source, at) => ({ ...source, name: plain ? hosts[at] : source.base.host }));
}

/** All collectors, the page's own one first. A single one needs no name. */
export async function findSources() {
  const others = await peers();
  if (!others.length) return [own];
  return named([own, ...others.map((base) => ({ base, peer: true }))]);
}
