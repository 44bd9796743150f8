"""What Python programs do with the clients of HTTP protocols: otlp|loki|splunk|gelf|elastic URL."""

import logging
import sys
import warnings

warnings.filterwarnings("ignore")
protocol, url = sys.argv[1:]


def otlp():
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.exporter.otlp.proto.http import Compression

    resource = Resource.create({"service.name": "orders", "host.name": "web1"})
    provider = LoggerProvider(resource=resource)
    exporter = OTLPLogExporter(endpoint=url + "/v1/logs", compression=Compression.Gzip)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return LoggingHandler(logger_provider=provider), provider.shutdown


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


handler, close = {"elastic": elastic, "otlp": otlp, "loki": loki, "splunk": splunk, "gelf": gelf}[protocol]()
logger = logging.getLogger("orders")
logger.setLevel(logging.INFO)
logger.addHandler(handler)
logger.warning("order 7 is late")
logger.warning("order 8 is late")
close()
