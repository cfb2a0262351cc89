//! What goes wrong at Discord, on request.

use std::time::Duration;

use serde_json::json;

use super::Discord;
use super::session::Order;
use super::state::{Fault, FaultKind};

impl Discord {
    /// The next REST request is answered with this status, and not carried out. With `retry_after` the answer is that of a rate limit.
    pub fn fails_next(&self, status: u16, retry_after: Option<Duration>) {
        self.fails_next_on("", status, retry_after);
    }

    /// The same for the next request whose `METHOD /path` contains `part`, such as `POST /channels/`.
    pub fn fails_next_on(&self, part: &str, status: u16, retry_after: Option<Duration>) {
        self.add(part, FaultKind::Refused { status, retry_after });
    }

    /// The next such request is carried out, but its answer is lost: the bot sees a 504.
    pub fn loses_next_answer_on(&self, part: &str) {
        self.add(part, FaultKind::AnswerLost);
    }

    /// The next such request is neither carried out nor ever answered. The client library itself waits for ever.
    pub fn never_answers_next_on(&self, part: &str) {
        self.add(part, FaultKind::Unanswered);
    }

    /// The few minutes have passed in which a nonce is remembered.
    pub fn forgets_nonces(&self) {
        self.shared.change(|state| state.nonces.clear());
    }

    /// The next interaction is one that the bot answers too late: its token is no longer valid.
    pub fn expires_next_interaction(&self) {
        self.shared.change(|state| state.expires_next = true);
    }

    /// The next interaction is delivered twice, as Discord may do with any event.
    pub fn repeats_next_interaction(&self) {
        self.shared.change(|state| state.repeats_next = true);
    }

    /// From now on REST answers 503 and the gateway takes no connection; those that are open end. `false` ends the outage.
    pub fn is_down(&self, is_down: bool) {
        self.shared.change(|state| {
            state.is_down = is_down;
            if is_down {
                state.cut(|| Order::Drop);
            }
        });
    }

    /// From now on a bot that asks for the gateway is sent to `ws://...`.
    pub fn sends_bots_to(&self, gateway: &str) {
        self.shared.change(|state| state.gateway = gateway.to_owned());
    }

    /// Asks the bot to reconnect and resume (op 7).
    pub fn asks_to_reconnect(&self) {
        self.shared.change(|state| state.tell(&json!({ "op": 7, "s": null, "t": null, "d": null })));
    }

    /// Tells the bot that its session is invalid (op 9). One that is not resumable is forgotten.
    pub fn invalidates_session(&self, is_resumable: bool) {
        self.shared.change(|state| {
            state.tell(&json!({ "op": 9, "s": null, "t": null, "d": is_resumable }));
            if !is_resumable {
                state.sessions.clear();
            }
        });
    }

    /// Ends the connections without a close frame, as a network does.
    pub fn drops_connections(&self) {
        self.shared.change(|state| state.cut(|| Order::Drop));
    }

    /// Closes the connections without a code.
    pub fn closes_connections_without_code(&self) {
        self.shared.change(|state| state.cut(|| Order::CloseWithoutCode));
    }

    /// Closes the connections with this code. After 4007 and 4009 the sessions are gone.
    pub fn closes_connections(&self, code: u16) {
        self.shared.change(|state| {
            state.cut(|| Order::Close(code));
            if matches!(code, 4007 | 4009) {
                state.sessions.clear();
            }
        });
    }

    /// Whether heartbeats are acknowledged. When not, the bot has to find out that its connection is dead.
    pub fn acknowledges_heartbeats(&self, is_so: bool) {
        self.shared.change(|state| state.acknowledges_heartbeats = is_so);
    }

    fn add(&self, on: &str, kind: FaultKind) {
        self.shared.change(|state| state.faults.push(Fault { on: on.to_owned(), kind }));
    }
}
