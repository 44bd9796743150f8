//! JetStream on three servers, some of which are away, lose what they have stored, or go on as if they
//! had never been away. Longer than what `./check` has time for:
//!
//! ```text
//! tests/clients/get && cargo test --test e2e -- --ignored cluster::
//! ```

mod chaos;
mod damage;
mod outage;
mod servers;
mod stage;
