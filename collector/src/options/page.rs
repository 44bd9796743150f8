//! The pages of several collectors: `--http-origin` and `--peers`.

use crate::web_origin::WebOrigin;
use clap::Args;

/// Pages that show the records of several collectors.
#[derive(Debug, Clone, Default, Args)]
pub struct PageOptions {
    /// Origin whose web page may read here, besides the collector's own: http://HOST:PORT or
    /// https://HOST:PORT, as in the address bar of the page of another collector that has this one
    /// in --peers; repeat for several. Other pages cannot read.
    #[arg(long, env = "NETLOG_HTTP_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    pub http_origin: Vec<WebOrigin>,

    /// HTTP API of another collector whose records this collector's page shows too:
    /// http://HOST:PORT or https://HOST:PORT; repeat for several, at most 16. The other one must
    /// allow it with --http-origin.
    #[arg(long, env = "NETLOG_PEERS", value_name = "URL", value_delimiter = ',')]
    #[arg(value_parser = WebOrigin::of_peer)]
    pub peers: Vec<WebOrigin>,
}
