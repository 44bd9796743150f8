// What programs of Node.js do with @fluent-org/logger: MODULES HOST PORT MODE COUNT [KEY]. Each
// event is awaited, and sent again when its connection breaks; the number of those that came again
// is printed.
import { createRequire } from 'node:module';

const [modules, host, port, mode, count, key] = process.argv.slice(2);
const { FluentClient } = createRequire(modules + '/')('@fluent-org/logger');
const client = new FluentClient('orders', {
  eventMode: mode,
  ack: { ackTimeout: 2000 },
  milliseconds: true,
  socket: { host, port: Number(port), reconnect: { backoff: 1.1, delay: 20, maxDelay: 200 } },
  ...(key && { security: { clientHostname: 'web1', sharedKey: key } }),
});
let again = 0;
for (let n = 1; n <= Number(count); n++) {
  for (;;) {
    try {
      await client.emit({ msg: `thread 1 number ${n}`, level: 'warn', host: 'web1' });
      break;
    } catch (error) {
      if (key && !/ack|connect|disconnect|reset/i.test(String(error))) throw error;
      again++;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
await client.disconnect();
console.log(again);
