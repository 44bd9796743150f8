//! Paths, and the protocol that each of them speaks.

use super::refusal::HttpRefusal;
use crate::decode::otlp::{JsonRecords, ProtobufRecords};
use crate::decode::post_defaults::Defaults;
use crate::decode::posted::PostedRecords;
use crate::decode::{loki, post, splunk};
use hyper::header::{self, HeaderMap};
use hyper::{Method, StatusCode};

/// Format of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFormat {
    /// Lines of text, or JSON objects.
    Plain,
    OtlpProtobuf,
    OtlpJson,
    LokiJson,
    LokiProtobuf,
    Gelf,
    SplunkEvent,
    SplunkRaw,
    Seq,
}

impl BodyFormat {
    pub(super) fn is_otlp(self) -> bool {
        matches!(self, Self::OtlpProtobuf | Self::OtlpJson)
    }

    pub(super) fn is_splunk(self) -> bool {
        matches!(self, Self::SplunkEvent | Self::SplunkRaw)
    }
}

/// The paths that take records, for whoever asked for another.
const PATHS: &str = "/, /NAME, /v1/logs, /loki/api/v1/push, /gelf, /services/collector/event, \
                     /services/collector/raw, /_bulk, /upload, /ingest/clef, /api/events/raw";

/// A request that brings records.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PostRoute {
    pub(super) protocol: BodyFormat,
    pub(super) defaults: Defaults,
}

impl PostRoute {
    /// The route of a request.
    ///
    /// # Errors
    ///
    /// When nothing is at its path, or it is not a POST.
    pub(super) fn find(
        method: &Method,
        path: &str,
        query: &str,
        headers: &HeaderMap,
    ) -> Result<Self, HttpRefusal> {
        let json = has_type(headers, "json");
        let (protocol, app) = match path.trim_end_matches('/') {
            "" => (BodyFormat::Plain, None),
            "/v1/logs" | "/otlp/v1/logs" if json => (BodyFormat::OtlpJson, None),
            "/v1/logs" | "/otlp/v1/logs" => (BodyFormat::OtlpProtobuf, None),
            "/loki/api/v1/push" | "/api/prom/push" if json => (BodyFormat::LokiJson, None),
            "/loki/api/v1/push" | "/api/prom/push" => (BodyFormat::LokiProtobuf, None),
            "/gelf" => (BodyFormat::Gelf, None),
            "/services/collector"
            | "/services/collector/event"
            | "/services/collector/event/1.0" => (BodyFormat::SplunkEvent, None),
            "/services/collector/raw" | "/services/collector/raw/1.0" => {
                (BodyFormat::SplunkRaw, None)
            }
            "/api/events/raw" | "/ingest/clef" => (BodyFormat::Seq, None),
            name if name.matches('/').count() == 1 => (BodyFormat::Plain, Some(&name[1..])),
            _ => {
                let words = format!("nothing at {path}; records go to {PATHS}");
                return Err(HttpRefusal::new(StatusCode::NOT_FOUND, words));
            }
        };
        if method != Method::POST && method != Method::PUT {
            let words = format!("{method} brings no records: use POST");
            return Err(HttpRefusal::new(StatusCode::METHOD_NOT_ALLOWED, words));
        }
        Ok(Self { protocol, defaults: defaults(protocol, app, query)? })
    }

    /// The records of a body; those without a time get `received`, in microseconds since 1970.
    ///
    /// # Errors
    ///
    /// When the body is not what its path takes.
    pub(super) fn records<'a>(
        &self,
        body: &'a [u8],
        headers: &HeaderMap,
        received: i64,
    ) -> Result<PostedRecords<'a>, HttpRefusal> {
        let not = |what: &str| {
            HttpRefusal::new(StatusCode::BAD_REQUEST, format!("the body is not {what}"))
        };
        match self.protocol {
            BodyFormat::OtlpJson => match JsonRecords::new(body, received) {
                Some(records) => Ok(Box::new(records)),
                None => Err(not("an OTLP request in JSON")),
            },
            BodyFormat::OtlpProtobuf => Ok(Box::new(ProtobufRecords::new(body, received))),
            BodyFormat::LokiJson => {
                loki::json(body, received).ok_or_else(|| not("a Loki push: {\"streams\":[…]}"))
            }
            BodyFormat::LokiProtobuf => Ok(loki::protobuf(body, received)),
            BodyFormat::SplunkEvent => Ok(splunk::events(body, received)),
            BodyFormat::Gelf => Ok(post::json_records(body, received)),
            BodyFormat::Seq => Ok(post::seq_records(body, received)),
            BodyFormat::SplunkRaw => Ok(post::text_records(body, received)),
            BodyFormat::Plain if has_type(headers, "json") || post::looks_like_json(body) => {
                Ok(post::json_records(body, received))
            }
            BodyFormat::Plain => Ok(post::text_records(body, received)),
        }
    }
}

/// Parameters of a raw request of Splunk that are values of all its lines.
const SPLUNK: [&str; 3] = ["source", "sourcetype", "index"];

fn defaults(protocol: BodyFormat, app: Option<&str>, query: &str) -> Result<Defaults, HttpRefusal> {
    let refused = |words| HttpRefusal::new(StatusCode::BAD_REQUEST, words);
    let mut defaults = Defaults::default();
    if let Some(app) = app {
        let app = form_urlencoded::parse(app.as_bytes()).next().map(|(name, _)| name.into_owned());
        defaults.take("app", &app.unwrap_or_default()).map_err(refused)?;
    }
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        // Other protocols have parameters of their own.
        defaults.take(&key, &value).map_err(refused)?;
        let raw = protocol == BodyFormat::SplunkRaw;
        if let Some(&key) = SPLUNK.iter().find(|&&name| raw && *name == *key) {
            defaults.note(key, &value).map_err(refused)?;
        }
    }
    Ok(defaults)
}

fn has_type(headers: &HeaderMap, name: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn find(path: &str, query: &str, kind: &'static str) -> Result<PostRoute, HttpRefusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        PostRoute::find(&Method::POST, path, query, &headers)
    }

    #[test]
    fn a_path_and_a_type_say_what_a_body_holds() {
        for (path, kind, protocol) in [
            ("/", "text/plain", BodyFormat::Plain),
            ("/v1/logs", "application/x-protobuf", BodyFormat::OtlpProtobuf),
            ("/v1/logs", "application/json; charset=utf-8", BodyFormat::OtlpJson),
            ("/loki/api/v1/push", "application/json", BodyFormat::LokiJson),
            ("/loki/api/v1/push", "application/x-protobuf", BodyFormat::LokiProtobuf),
            ("/services/collector/event/", "text/plain", BodyFormat::SplunkEvent),
        ] {
            assert_eq!(find(path, "", kind).map(|route| route.protocol), Ok(protocol), "{path}");
        }
        let refused = find("/v2/logs", "", "text/plain").unwrap_err();
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_name_in_the_path_and_the_query_say_who_sends() {
        let route = find("/nightly%20build", "host=web1&level=warn&x=1", "text/plain").unwrap();
        let Defaults { app, host, level, .. } = route.defaults;
        assert_eq!((app.as_deref(), host.as_deref()), (Some("nightly build"), Some("web1")));
        assert_eq!(level, Some(netlog_wire::Level::Warn));
        let query = "host=web1&source=s&sourcetype=st&index=main&channel=c";
        let raw = find("/services/collector/raw", query, "text/plain").unwrap().defaults;
        let mut record = netlog_wire::Record::new(0, netlog_wire::Level::Info, "m");
        raw.fill(&mut record);
        let kv: Vec<_> = record.kv.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(kv, [("source", "\"s\""), ("sourcetype", "\"st\""), ("index", "\"main\"")]);
        let refused = find("/", "level=loud", "text/plain").unwrap_err();
        assert_eq!(refused.words, "invalid level: expected error, warn, info, debug or trace");
    }
}
