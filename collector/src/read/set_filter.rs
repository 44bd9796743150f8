//! `/filter`: sets the filters of running programs for a time, takes them back, and lists them.

use super::ReadOptions;
use super::params::{pairs, parsed};
use super::response::RefusedRequest;
use crate::clock::{now, utc};
use crate::senders::filter_orders::{FilterTarget, LONGEST, SetFilter};
use crate::senders::grant::{Grant, Scope};
use crate::senders::registry::ReachedPrograms;
use crate::units::Period;
use netlog_wire::{FilterOrder, MAX_DIRECTIVES};
use serde_json::{Value, json};

/// Parameters of a request.
const PARAMETERS: [&str; 5] = ["filter", "for", "app", "host", "pid"];

/// Time for which a filter is set where none is given, in microseconds.
const USUAL: i64 = 600_000_000;

/// Values of `for`, of which the last is [`LONGEST`].
const PERIODS: &str = "1s to 1h, such as 10m";

/// A request to set or reset a filter.
struct FilterRequest {
    directives: Option<String>,
    /// In microseconds.
    period: i64,
    target: FilterTarget,
}

/// `POST /filter`: sets a filter, and tells how many programs it reached.
pub(super) fn set(view: &ReadOptions, query: &str, by: &Grant) -> Result<Value, RefusedRequest> {
    let request = FilterRequest::parse(query)?;
    if request.directives.is_none() {
        let error = "missing filter: expected directives, such as info,orders::fill=debug";
        return Err(RefusedRequest::bad(error));
    }
    Ok(give(view, request, by))
}

/// `DELETE /filter`: lets programs go back to their own filters.
pub(super) fn reset(view: &ReadOptions, query: &str, by: &Grant) -> Result<Value, RefusedRequest> {
    let request = FilterRequest::parse(query)?;
    if request.directives.is_some() {
        return Err(RefusedRequest::bad("unexpected filter: POST sets one"));
    }
    // As long as any filter may last, so that a program that is away forgets its own as well.
    Ok(give(view, FilterRequest { period: LONGEST, ..request }, by))
}

/// `GET /filter`: the filters in force, of those that the token may set.
pub(super) fn list(view: &ReadOptions, grant: &Grant) -> Value {
    let ours = |set: &SetFilter| {
        grant.control == Scope::Everything
            || (set.scope == grant.control && set.order.by == name(grant))
    };
    let filters = view.filter_orders.in_force().into_iter().filter(ours);
    let json = |SetFilter { target: FilterTarget { app, host, pid }, order, .. }: SetFilter| {
        let until = utc(order.until);
        json!({"filter": order.directives, "until": until, "by": order.by, "app": app, "host": host, "pid": pid})
    };
    filters.map(json).collect()
}

fn give(view: &ReadOptions, request: FilterRequest, grant: &Grant) -> Value {
    let FilterRequest { directives, period, target } = request;
    let until = now().saturating_add(period);
    let order = FilterOrder { directives, until, by: name(grant) };
    let set = SetFilter::new(target, grant.control.clone(), order);
    view.filter_orders.add(set.clone());
    view.stats.filters_set.add(1);
    let reached = view.senders.wake(|program| set.is_for(program));
    report(view, &set, reached);
    let ReachedPrograms { programs, unable } = reached;
    let until = set.order.directives.as_ref().map(|_| utc(until));
    json!({"programs": programs, "unable": unable, "until": until})
}

/// The one who sets a filter, as records show it.
fn name(grant: &Grant) -> String {
    let name = &grant.name;
    if grant.unnamed { format!("the token {name}") } else { name.clone() }
}

/// Leaves a trace of who changed what is logged.
fn report(view: &ReadOptions, set: &SetFilter, reached: ReachedPrograms) {
    let FilterTarget { app, host, pid } = &set.target;
    let app = app.as_deref().unwrap_or("*");
    let host = host.as_deref().unwrap_or("*");
    let pid = pid.map_or_else(|| "*".to_owned(), |pid| pid.to_string());
    let by = &set.order.by;
    let programs = match reached.programs {
        1 => "1 program".to_owned(),
        programs => format!("{programs} programs"),
    };
    let deed = match &set.order.directives {
        Some(directives) => format!("set filter {directives:?}"),
        None => "reset the filter".to_owned(),
    };
    view.stderr.log(format_args!("{by} {deed} of app={app} host={host} pid={pid}: {programs}"));
}

impl FilterRequest {
    fn parse(query: &str) -> Result<Self, RefusedRequest> {
        let mut request = Self { directives: None, period: USUAL, target: FilterTarget::default() };
        for (key, value) in pairs(query, &PARAMETERS)? {
            // An empty one must not mean every program.
            if value.is_empty() || value.contains(char::is_control) {
                let error = format!("invalid {key}: expected text without control characters");
                return Err(RefusedRequest::bad(error));
            }
            let target = &mut request.target;
            match &*key {
                "filter" => {
                    let invalid = |why| RefusedRequest::bad(format!("invalid filter: {why}"));
                    check(&value).map_err(invalid)?;
                    request.directives = Some(value);
                }
                "for" => request.period = parsed(&key, &value, &[PERIODS], period)?,
                "app" => target.app = Some(value),
                "host" => target.host = Some(value),
                _ => target.pid = Some(parsed(&key, &value, &["a number"], |v| v.parse().ok())?),
            }
        }
        Ok(request)
    }
}

/// Checks directives as the programs will.
fn check(directives: &str) -> Result<(), String> {
    if directives.len() > MAX_DIRECTIVES {
        return Err(format!("it is longer than {MAX_DIRECTIVES} bytes"));
    }
    if directives.contains(['[', '/']) {
        return Err("expected targets and levels, such as info,orders::fill=debug".into());
    }
    env_filter::Builder::new().try_parse(directives).map(|_| ()).map_err(|error| error.to_string())
}

fn period(text: &str) -> Option<i64> {
    let Period(period) = text.parse().ok()?;
    i64::try_from(period.as_micros()).ok().filter(|micros| (1_000_000..=LONGEST).contains(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<FilterRequest, String> {
        FilterRequest::parse(query).map_err(|bad| bad.error)
    }

    #[test]
    fn a_request_names_programs_and_a_filter_that_they_can_read() {
        let request =
            parsed("filter=info%2Ca%3A%3Ab%3Ddebug&for=30m&app=sh*&host=web1&pid=7").unwrap();
        assert_eq!(request.directives.as_deref(), Some("info,a::b=debug"));
        assert_eq!(request.period, 1_800_000_000);
        let target =
            FilterTarget { app: Some("sh*".into()), host: Some("web1".into()), pid: Some(7) };
        assert_eq!(request.target, target);
        assert_eq!(parsed("").unwrap().period, USUAL);
        for (query, expected) in [
            ("filtre=info", "unknown parameter \"filtre\""),
            ("filter=", "invalid filter: expected text"),
            ("filter=a%3Dloud", "invalid filter: "),
            ("filter=%5Bspan%5D%3Ddebug", "invalid filter: expected targets and levels"),
            ("filter=info%2Fx", "invalid filter: expected targets and levels"),
            ("filter=a%0Ab", "invalid filter: expected text without control characters"),
            ("for=2h", "invalid for: \"2h\""),
            ("for=0", "invalid for"),
            ("for=soon", "invalid for"),
            ("pid=x", "invalid pid"),
        ] {
            let error = parsed(query).err().unwrap_or_default();
            assert!(error.starts_with(expected), "{query}: {error}");
        }
        let long = format!("filter={}", "a,".repeat(MAX_DIRECTIVES));
        assert!(parsed(&long).is_err());
    }
}
