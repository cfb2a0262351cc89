//! A session of the gateway and what its connection is told to do.

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

/// A gateway session. It outlives its connection, so that it can be resumed.
pub struct Session {
    pub id: String,
    pub events: Vec<Value>,
    pub connection: Option<UnboundedSender<Order>>,
}

pub enum Order {
    Send(Value),
    Close(u16),
    /// A close frame without a code.
    CloseWithoutCode,
    /// End the TCP connection without a word.
    Drop,
}

impl Session {
    pub fn dispatch(&mut self, kind: &str, data: Value) {
        let event = json!({ "op": 0, "s": self.events.len() + 1, "t": kind, "d": data });
        self.events.push(event.clone());
        if let Some(connection) = &self.connection {
            let _ = connection.send(Order::Send(event));
        }
    }
}
