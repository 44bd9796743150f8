// What programs of Node.js do with the clients of HTTP protocols: MODULES PROTOCOL URL.
import { createRequire } from 'node:module';

const [modules, protocol, url] = process.argv.slice(2);
const require = createRequire(modules + '/');
const labels = { app: 'orders', host: 'web1' };

const senders = {
  async otlp() {
    const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
    const { OTLPLogExporter } = require('@opentelemetry/exporter-logs-otlp-http');
    const { resourceFromAttributes } = require('@opentelemetry/resources');
    const resource = resourceFromAttributes({ 'service.name': 'orders', 'host.name': 'web1' });
    const exporter = new OTLPLogExporter({ url: url + '/v1/logs' });
    const provider = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter })],
    });
    const logger = provider.getLogger('orders');
    for (const body of ['order 7 is late', 'order 8 is late']) {
      logger.emit({ severityNumber: 13, severityText: 'WARN', body });
    }
    await provider.shutdown();
  },
  async 'winston-loki'() {
    const winston = require('winston');
    const LokiTransport = require('winston-loki');
    for (const json of [true, false]) {
      const loki = new LokiTransport({ host: url, labels, json, batching: true, interval: 1 });
      const format = winston.format.printf(({ message }) => message);
      const logger = winston.createLogger({ transports: [loki], format });
      logger.warn(json ? 'order 7 is late' : 'order 8 is late');
      await new Promise((done) => setTimeout(done, 200));
      await loki.flush();
      loki.close();
    }
  },
  async 'pino-loki'() {
    const { pinoLoki } = require('pino-loki');
    const stream = await pinoLoki({ host: url, labels, batching: false });
    const logger = require('pino')({ base: null }, stream);
    logger.warn('order 7 is late');
    await new Promise((done) => setTimeout(done, 300));
    logger.warn('order 8 is late');
    await new Promise((done) => setTimeout(done, 300));
    stream.end();
  },
};
await senders[protocol]();
setTimeout(() => process.exit(0), 300);
