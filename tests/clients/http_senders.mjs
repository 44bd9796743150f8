// What programs of Node.js do with the clients of other protocols: MODULES PROTOCOL URL [COUNT].
import { createRequire } from 'node:module';

const [modules, protocol, url, count] = process.argv.slice(2);
const require = createRequire(modules + '/');
const labels = { app: 'orders', host: 'web1' };

const numbered = (_, at) => `thread 1 number ${at + 1}`;
const orders = count
  ? Array.from({ length: Number(count) }, numbered)
  : ['order 7 is late', 'order 8 is late'];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
// Logs each of them, and waits a little between many.
async function each(log) {
  for (const order of orders) {
    await log(order);
    if (count) await wait(5);
  }
}
const at = new URL(url);

async function otlp(kind, to) {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
  const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-' + kind);
  const { resourceFromAttributes } = require('@opentelemetry/resources');
  const resource = resourceFromAttributes({ 'service.name': 'orders', 'host.name': 'web1' });
  const exporter = new OTLPLogExporter({ url: to });
  const provider = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter })],
  });
  const logger = provider.getLogger('orders');
  await each((body) => logger.emit({ severityNumber: 13, severityText: 'WARN', body }));
  await provider.shutdown();
}

const senders = {
  otlp: () => otlp('http', url + '/v1/logs'),
  'otlp-proto': () => otlp('proto', url + '/v1/logs'),
  'otlp-grpc': () => otlp('grpc', url),
  async 'winston-elasticsearch'() {
    const winston = require('winston');
    const { ElasticsearchTransport } = require('winston-elasticsearch');
    const transport = new ElasticsearchTransport({
      index: 'orders',
      flushInterval: 100,
      clientOpts: { node: url },
      transformer: ({ level, message }) => ({ level, message, host: 'web1' }),
    });
    transport.on('error', (error) => console.error(error));
    const logger = winston.createLogger({ transports: [transport] });
    await each((order) => logger.warn(order));
    await wait(300);
    await transport.flush();
  },
  async 'pino-elasticsearch'() {
    const stream = require('pino-elasticsearch')({
      index: 'orders', node: url, esVersion: 8, flushBytes: 10, flushInterval: 100,
    });
    for (const event of ['error', 'insertError', 'unknown']) {
      stream.on(event, (error) => console.error(event, error));
    }
    const logger = require('pino')({ base: { host: 'web1' } }, stream);
    await each((order) => logger.warn(order));
    await wait(500);
  },
  async 'pino-seq'() {
    const { createStream } = await import(modules + '/pino-seq/dist/index.js');
    const stream = createStream({ serverUrl: url });
    const logger = require('pino')({ base: { app: 'orders', host: 'web1' } }, stream);
    await each((order) => logger.warn(order));
    await stream.flush();
  },
  async 'winston-seq'() {
    const winston = require('winston');
    const { SeqTransport } = await import(modules + '/@datalust/winston-seq/dist/src/index.js');
    const transport = new SeqTransport({ serverUrl: url, onError: console.error });
    const logger = winston.createLogger({ transports: [transport], defaultMeta: labels });
    await each((order) => logger.warn(order));
    await transport.flush();
  },
  async 'splunk-logging'() {
    const { Logger } = require('splunk-logging');
    const logger = new Logger({ token: 'none', url });
    logger.error = (error) => console.error(error);
    const metadata = { host: 'web1' };
    const send = (message, done) => logger.send({ message, metadata, severity: 'warn' }, done);
    await each((message) => new Promise((done) => send(message, done)));
  },
  async 'fluent-logger'() {
    const logger = require('fluent-logger').createFluentSender('orders', {
      host: at.hostname, port: Number(at.port), requireAckResponse: true, ackResponseTimeout: 5000,
    });
    const emit = (msg, done) => logger.emit({ msg, level: 'warn', host: 'web1' }, done);
    await each((msg) => new Promise((done) => emit(msg, done)));
    logger.end();
  },
  async 'lumberjack-client'() {
    const Client = require('lumberjack-client');
    const client = new Client({ host: at.hostname, port: Number(at.port) });
    await each((message) => client.log({ message, level: 'warn', ...labels }));
    await wait(500);
  },
  async 'winston-loki'() {
    const winston = require('winston');
    const LokiTransport = require('winston-loki');
    for (const json of [true, false]) {
      const loki = new LokiTransport({ host: url, labels, json, batching: true, interval: 1 });
      const format = winston.format.printf(({ message }) => message);
      const logger = winston.createLogger({ transports: [loki], format });
      if (count) await each((order) => logger.warn(order));
      else logger.warn(json ? 'order 7 is late' : 'order 8 is late');
      await wait(200);
      await loki.flush();
      loki.close();
      if (count) break;
    }
  },
  async 'pino-loki'() {
    const { pinoLoki } = require('pino-loki');
    const stream = await pinoLoki({ host: url, labels, batching: false });
    const logger = require('pino')({ base: null }, stream);
    for (const order of orders) {
      logger.warn(order);
      await wait(count ? 5 : 300);
    }
    stream.end();
  },
};
await senders[protocol]();
setTimeout(() => process.exit(0), count ? 5000 : 300);
