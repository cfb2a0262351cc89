//! The gateway: sessions over WebSocket, JSON, version 10.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::session::{Order, Session};
use super::shared::Shared;
use super::state::{APPLICATION, GUILD, State, bot_user};

/// Bits of `intents` that have to be switched on for an application first: members, presences, message content.
const PRIVILEGED_INTENTS: u64 = 1 << 1 | 1 << 8 | 1 << 15;
const KNOWN_INTENTS: u64 = (1 << 26) - 1;

const UNKNOWN_OPCODE: u16 = 4001;
const DECODE_ERROR: u16 = 4002;
const NOT_AUTHENTICATED: u16 = 4003;
const AUTHENTICATION_FAILED: u16 = 4004;
const ALREADY_AUTHENTICATED: u16 = 4005;
const INVALID_SEQ: u16 = 4007;
const INVALID_VERSION: u16 = 4012;
const INVALID_INTENTS: u16 = 4013;
const DISALLOWED_INTENTS: u16 = 4014;

pub async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let is_taken = shared.change(|state| {
            state.refused_connections += u32::from(state.is_down);
            !state.is_down
        });
        if is_taken {
            connections.spawn(connection(stream, shared.clone()));
        }
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    let mut query = String::new();
    // The type of the error is the library's.
    #[allow(clippy::result_large_err)]
    let read = |request: &Request, response: Response| {
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, read).await else {
        return;
    };
    if !query.split('&').any(|pair| pair == "v=10") {
        return close(&mut socket, INVALID_VERSION).await;
    }
    let hello = json!({ "op": 10, "s": null, "t": null, "d": { "heartbeat_interval": shared.lock().heartbeat.as_millis() as u64 } });
    if send(&mut socket, &hello).await.is_err() {
        return;
    }
    let (orders, mut ordered) = unbounded_channel();
    let mut session = None;
    let is_over = loop {
        tokio::select! {
            Some(order) = ordered.recv() => match order {
                Order::Send(event) => if send(&mut socket, &event).await.is_err() { break false },
                Order::Close(code) => {
                    close(&mut socket, code).await;
                    break false;
                }
                Order::CloseWithoutCode => {
                    say_goodbye(&mut socket, None).await;
                    break false;
                }
                Order::Drop => break false,
            },
            received = socket.next() => match received {
                Some(Ok(Message::Text(text))) => {
                    let handled = shared.change(|state| handle(state, &text, &mut session, &orders));
                    if let Err(code) = handled {
                        close(&mut socket, code).await;
                        break false;
                    }
                }
                // With 1000 and 1001 the bot logs off; with any other code it may come back to its session.
                Some(Ok(Message::Close(frame))) => {
                    break frame.is_some_and(|frame| matches!(u16::from(frame.code), 1000 | 1001));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break false,
            },
        }
    };
    shared.change(|state| leave(state, session.as_deref(), &orders, is_over));
}

/// Handles a payload of the bot. The error is the close code.
fn handle(
    state: &mut State,
    text: &str,
    session: &mut Option<String>,
    orders: &UnboundedSender<Order>,
) -> Result<(), u16> {
    let payload: Value = serde_json::from_str(text).map_err(|_| DECODE_ERROR)?;
    if text.len() > 4096 {
        return Err(DECODE_ERROR);
    }
    match payload["op"].as_u64() {
        Some(1) => {
            state.heartbeats += 1;
            if state.acknowledges_heartbeats {
                let _ = orders.send(Order::Send(json!({ "op": 11, "s": null, "t": null, "d": null })));
            }
            Ok(())
        }
        Some(2) if session.is_some() => Err(ALREADY_AUTHENTICATED),
        Some(2) => {
            *session = Some(identify(state, &payload["d"], orders)?);
            Ok(())
        }
        Some(6) => {
            *session = resume(state, &payload["d"], orders)?;
            Ok(())
        }
        Some(3 | 4 | 8) if session.is_some() => Ok(()),
        Some(3 | 4 | 8) => Err(NOT_AUTHENTICATED),
        _ => Err(UNKNOWN_OPCODE),
    }
}

fn identify(state: &mut State, asked: &Value, orders: &UnboundedSender<Order>) -> Result<String, u16> {
    authenticate(state, asked)?;
    let intents = asked["intents"].as_u64().ok_or(INVALID_INTENTS)?;
    if intents & !KNOWN_INTENTS != 0 {
        return Err(INVALID_INTENTS);
    }
    if intents & PRIVILEGED_INTENTS != 0 {
        return Err(DISALLOWED_INTENTS);
    }
    state.identifies += 1;
    let id = format!("session-{}", state.new_id());
    let mut session = Session { id: id.clone(), events: Vec::new(), connection: Some(orders.clone()) };
    let mut ready = json!({
        "v": 10, "user": bot_user(), "guilds": [{ "id": GUILD.to_string(), "unavailable": true }], "session_id": id,
        "resume_gateway_url": state.gateway, "session_type": "normal", "private_channels": [], "relationships": [],
        "presences": [], "guild_join_requests": [], "application": { "id": APPLICATION.to_string(), "flags": 0 },
    });
    if let Some(shard) = asked.get("shard") {
        ready["shard"] = shard.clone();
    }
    session.dispatch("READY", ready);
    state.sessions.push(session);
    Ok(id)
}

/// Replays what the session missed, then says RESUMED. A session that is not known any more is invalid, and the bot has to identify.
fn resume(state: &mut State, asked: &Value, orders: &UnboundedSender<Order>) -> Result<Option<String>, u16> {
    authenticate(state, asked)?;
    let Some(session) = state.sessions.iter_mut().find(|session| session.id == asked["session_id"]) else {
        let _ = orders.send(Order::Send(json!({ "op": 9, "s": null, "t": null, "d": false })));
        return Ok(None);
    };
    let seen = asked["seq"].as_u64().unwrap_or(0) as usize;
    let missed = session.events.get(seen..).ok_or(INVALID_SEQ)?;
    for event in missed {
        let _ = orders.send(Order::Send(event.clone()));
    }
    session.connection = Some(orders.clone());
    session.dispatch("RESUMED", json!({ "_trace": [] }));
    let id = session.id.clone();
    state.resumes += 1;
    Ok(Some(id))
}

fn authenticate(state: &State, asked: &Value) -> Result<(), u16> {
    // Both the bare token and the one with its type in front are taken.
    let token = asked["token"].as_str().unwrap_or_default().trim_start_matches("Bot ");
    if token == state.token { Ok(()) } else { Err(AUTHENTICATION_FAILED) }
}

fn leave(state: &mut State, session: Option<&str>, orders: &UnboundedSender<Order>, is_over: bool) {
    // The session may have moved to a newer connection meanwhile.
    let is_mine = |connection: &UnboundedSender<Order>| connection.same_channel(orders);
    let left = state
        .sessions
        .iter_mut()
        .find(|one| Some(one.id.as_str()) == session && one.connection.as_ref().is_some_and(is_mine));
    let Some(left) = left else { return };
    left.connection = None;
    if is_over {
        let id = left.id.clone();
        state.sessions.retain(|session| session.id != id);
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, payload: &Value) -> Result<(), ()> {
    socket.send(Message::Text(payload.to_string())).await.map_err(|_| ())
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16) {
    say_goodbye(socket, Some(CloseFrame { code: code.into(), reason: "".into() })).await;
}

async fn say_goodbye(socket: &mut WebSocketStream<TcpStream>, frame: Option<CloseFrame<'_>>) {
    if socket.close(frame).await.is_ok() {
        // Until the bot has answered the frame, or ended the connection.
        while let Some(Ok(_)) = socket.next().await {}
    }
}
