//! Failures of a session in words.

use rustls::{AlertDescription, CertificateError, Error};

/// The failure of a session in words: what was expected, what was found, and what may help.
pub fn explain(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::Other(why)) => why.0.to_string(),
        Error::InvalidMessage(_) => "the other side does not speak TLS".to_owned(),
        Error::AlertReceived(alert) if is_about_certificate(*alert) => format!(
            "the other side does not accept our certificate ({alert:?}); its log has the reason"
        ),
        Error::AlertReceived(alert) => format!("the other side ended the TLS session: {alert:?}"),
        error => error.to_string(),
    }
}

fn is_about_certificate(alert: AlertDescription) -> bool {
    use AlertDescription::{
        AccessDenied, BadCertificate, CertificateExpired, CertificateRequired, CertificateRevoked,
        CertificateUnknown, NoCertificate, UnknownCA, UnsupportedCertificate,
    };
    matches!(
        alert,
        AccessDenied
            | BadCertificate
            | CertificateExpired
            | CertificateRequired
            | CertificateRevoked
            | CertificateUnknown
            | NoCertificate
            | UnknownCA
            | UnsupportedCertificate
    )
}

/// The reason why a certificate is not accepted. The library's own words show its types.
pub(super) fn explain_certificate(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else { return error.to_string() };
    let words = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet"
        }
        CertificateError::Revoked => "it is revoked",
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "it is not issued by a trusted CA"
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
            return format!("it is for {}", names.join(", "));
        }
        CertificateError::NotValidForName => "it is for another host",
        CertificateError::Other(other) if other.0.to_string() == "CaUsedAsEndEntity" => {
            "it is a CA's own certificate, which only its fingerprint can make trusted"
        }
        other => return other.to_string(),
    };
    words.to_owned()
}

/// `localhost` of `DnsName("localhost")`.
fn bare_name(shown: &str) -> &str {
    let inner = shown.split_once('(').map_or(shown, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;

    #[test]
    fn a_certificate_for_another_host_is_explained_by_its_names() {
        let error = Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("localhost").unwrap(),
            presented: vec!["DnsName(\"logs.example\")".into(), "IpAddress(10.0.0.7)".into()],
        });
        assert_eq!(explain_certificate(&error), "it is for logs.example, 10.0.0.7");
    }
}
