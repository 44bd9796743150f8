"""What Python programs do with the clients of HTTP protocols: otlp|grpc|loki|splunk|gelf|elastic|seq
URL [COUNT]."""

import logging
import sys
import time
import warnings

warnings.filterwarnings("ignore")
protocol, url, *count = sys.argv[1:]


def exported(exporter):
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({"service.name": "orders", "host.name": "web1"})
    provider = LoggerProvider(resource=resource)
    processor = BatchLogRecordProcessor(exporter, schedule_delay_millis=50, max_export_batch_size=20)
    provider.add_log_record_processor(processor)
    return LoggingHandler(logger_provider=provider), provider.shutdown


def otlp():
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http import Compression

    return exported(OTLPLogExporter(endpoint=url + "/v1/logs", compression=Compression.Gzip))


def grpc():
    from grpc import Compression
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    return exported(OTLPLogExporter(endpoint=url, insecure=True, compression=Compression.Gzip))


def seq():
    from seqlog import SeqLogHandler

    def close():
        handler.log_queue.join()
        handler.flush()
        handler.close()

    handler = SeqLogHandler(url, batch_size=100)
    return handler, close


def loki():
    import logging_loki

    tags = {"app": "orders", "host": "web1"}
    handler = logging_loki.LokiHandler(url=url + "/loki/api/v1/push", tags=tags, version="1")
    return handler, handler.close


def splunk():
    from urllib.parse import urlsplit
    from splunk_handler import SplunkHandler

    at = urlsplit(url)
    handler = SplunkHandler(
        host=at.hostname, port=at.port, protocol="http", token="none", index="main",
        hostname="web1", source="orders", flush_interval=0, verify=False,
    )
    return handler, handler.close


def gelf():
    import graypy
    from urllib.parse import urlsplit

    at = urlsplit(url)
    handler = graypy.GELFHTTPHandler(at.hostname, at.port)
    return handler, handler.close


def elastic():
    from elasticsearch import Elasticsearch, helpers

    class Bulk(logging.Handler):
        def emit(self, record):
            document = {"level": record.levelname, "message": record.getMessage(), "host": "web1"}
            helpers.bulk(client, [{"_index": "orders", "_source": document}])

    client = Elasticsearch(url)
    return Bulk(), client.close


protocols = [elastic, otlp, grpc, loki, splunk, gelf, seq]
handler, close = {protocol.__name__: protocol for protocol in protocols}[protocol]()
logger = logging.getLogger("orders")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
if count:
    for number in range(1, int(count[0]) + 1):
        logger.warning("thread 1 number %d", number)
        time.sleep(0.005)
else:
    logger.warning("order 7 is late")
    logger.warning("order 8 is late")
close()
