//! The transaction in which a run goes on: its records, and all that belongs to them.

use super::page::Paged;
use super::{LogEnd, SignalRow, Tx};
use crate::model::{ApprovalState, IncidentId, Lane, Outcome, RunEvent, RunId, SignalBody};
use crate::store::rules::Outgoing;
use crate::store::{
    Append, Appended, Ask, Guard, HandOver, IncidentEvent, LogPosition, NewPage, NewRun, RunHead, StoreError,
};

pub(in crate::store) async fn append(
    tx: &mut Tx<'_>,
    at: LogPosition,
    records: Append,
) -> Result<Appended, StoreError> {
    let run = at.run;
    let held = |end: &LogEnd| !end.has_ended && (end.epoch, end.length) == (at.epoch, at.length);
    let end = tx.tables.log_end(run).await?.filter(held);
    let end = end.ok_or_else(|| StoreError::Fenced(format!("{run} was claimed by another worker")))?;
    if let Some(guard) = &records.guard
        && let Some(refusal) = refusal(tx, run, guard, &records).await?
    {
        return Ok(refusal);
    }
    if records.ask.is_some()
        && let Some(over) = tx.stopped(run, &records.limits).await?
    {
        return Ok(Appended::OverLimit(Box::new(over)));
    }
    if let Some(hand_over) = &records.hand_over
        && let Some(refusal) = not_handed_over(tx, run, hand_over).await?
    {
        return Ok(refusal);
    }
    let added = usize::from(records.ask.is_some()) + if records.hand_over.is_some() { 2 } else { 0 };
    let count = i64::try_from(records.events.len() + added).unwrap_or(i64::MAX);
    tx.tables.extend_log(run, count, records.prolong.map(|lease| tx.now + lease)).await?;
    let incident = tx.stops(run, end.incident, &records.events).await?;
    let mut position = at;
    for event in &records.events {
        position.length += 1;
        tx.tables.insert_record(position, tx.now, event).await?;
        tx.keep_remedy(position, event).await?;
        tx.count_mutation(run, event).await?;
        if let RunEvent::ApprovalAnswered { verdict: None, .. } = event {
            close_questions(tx, run, ApprovalState::Expired).await?;
        }
    }
    if let Some(ask) = records.ask {
        position.length += 1;
        let event = question(tx, run, incident, ask).await?;
        tx.tables.insert_record(position, tx.now, &event).await?;
    }
    let mut handed_over = None;
    if let Some(hand_over) = records.hand_over {
        let because = hand_over.run.because.clone();
        for event in hand_over_to(tx, run, incident, *hand_over).await? {
            position.length += 1;
            tx.tables.insert_record(position, tx.now, &event).await?;
        }
        handed_over = Some((Outcome::HandedOver, because));
    }
    if !records.consumes.is_empty() {
        tx.tables.delete_inbox(run, &records.consumes).await?;
    }
    let mut notices = records.notices;
    for ticket in &records.tickets {
        notices.extend(tx.file(incident, run, ticket).await?);
    }
    let notices = call(tx, incident, &records.pages, notices).await?;
    for (n, text) in notices.into_iter().enumerate() {
        tx.send_to_chat(&Outgoing::notice(incident, text, run, position.length, n)).await?;
    }
    tx.send_card(incident).await?;
    let inbox = tx.tables.inbox(run).await?;
    if let Some((outcome, because)) = handed_over.or(records.end) {
        tx.count_end(run, outcome, records.did_not_help, &records.limits).await?;
        finish(tx, run, (outcome, because), records.held).await?;
    } else if let Some(until) = records.park_until {
        // Whatever waits in the inbox is a reason to wake up at once, unless the run has seen it
        // and left it there.
        let news = inbox.iter().any(|(number, _)| !records.leaves.contains(number));
        tx.tables.park_run(run, if news { tx.now } else { until }).await?;
    }
    Ok(Appended::Done { at: position, inbox })
}

/// Refuses while the inbox is not empty, a freeze covers it, a limit stands against it, or another
/// run holds one of the locks; else takes the locks.
async fn refusal(tx: &mut Tx<'_>, run: RunId, guard: &Guard, records: &Append) -> Result<Option<Appended>, StoreError> {
    let inbox = tx.tables.inbox(run).await?;
    if !inbox.is_empty() {
        return Ok(Some(Appended::InboxFirst(inbox)));
    }
    if let Some(freeze) = tx.freeze_over(run, guard).await? {
        return Ok(Some(Appended::Frozen(Box::new(freeze))));
    }
    if let Some(over) = tx.over_limit(run, guard, &records.limits, &records.events).await? {
        return Ok(Some(Appended::OverLimit(Box::new(over))));
    }
    let keys = &guard.locks;
    if let Some((key, by)) = tx.tables.lock_of_another(run, keys).await? {
        return Ok(Some(Appended::Locked { key, by }));
    }
    tx.tables.take_locks(run, keys, tx.now).await?;
    Ok(None)
}

/// Refuses while the inbox is not empty, another run is at work on that object, or the playbook was
/// there too often lately.
async fn not_handed_over(tx: &mut Tx<'_>, run: RunId, hand_over: &HandOver) -> Result<Option<Appended>, StoreError> {
    let inbox = tx.tables.inbox(run).await?;
    if !inbox.is_empty() {
        return Ok(Some(Appended::InboxFirst(inbox)));
    }
    let HandOver { run: NewRun { playbook, target, .. }, limits, .. } = hand_over;
    if let Some((other, of)) = tx.tables.at_work_on(&target.key(), run).await? {
        let because = format!("{other} of {of} is at work on {target}, and two at once would work against each other");
        return Ok(Some(Appended::NotHandedOver(because)));
    }
    let limits = limits.unwrap_or_default();
    let history = tx.tables.run_history(&playbook.name, &target.key(), tx.now - limits.look_back()).await?;
    let because = RunHead::too_often(&history, limits, tx.now);
    let because = because.map(|why| format!("{} may not run on {target}: {why}", playbook.name));
    Ok(because.map(Appended::NotHandedOver))
}

/// Opens the run that goes on. The records of the one before it end with these.
async fn hand_over_to(
    tx: &mut Tx<'_>,
    run: RunId,
    incident: IncidentId,
    hand_over: HandOver,
) -> Result<[RunEvent; 2], StoreError> {
    let HandOver { step, run: next, severity, .. } = hand_over;
    let mut is_now = tx.incident(incident).await?;
    if severity < is_now.severity {
        is_now.severity = severity;
        tx.tables.save_incident(&is_now).await?;
    }
    let id = tx.open_run(incident, &next).await?;
    let because = next.because.clone();
    let event = IncidentEvent::RunOpened {
        run: id,
        playbook: next.playbook.name.clone(),
        digest: next.playbook.digest.short().to_owned(),
        because: format!("{run} hands over to it: {because}"),
    };
    tx.note(incident, &event).await?;
    let handed = RunEvent::HandedOver { step, run: id, playbook: next.playbook, target: next.target };
    Ok([handed, RunEvent::Ended { outcome: Outcome::HandedOver, because }])
}

/// Makes the pages, and gives back what is to be told in chat besides.
async fn call(
    tx: &mut Tx<'_>,
    incident: IncidentId,
    pages: &[NewPage],
    mut notices: Vec<String>,
) -> Result<Vec<String>, StoreError> {
    if pages.is_empty() {
        return Ok(notices);
    }
    let mut incident = tx.incident(incident).await?;
    for page in pages {
        if tx.is_told(&incident, page).await? {
            tx.tell(&mut incident, false, page).await?;
            continue;
        }
        // Somebody is paged for this already, or it pages nobody: what is new is told in chat too,
        // but nobody is called twice.
        if tx.page(&mut incident, page).await? != Paged::Made
            && let Some(text) = &page.text
        {
            notices.push(text.clone());
        }
    }
    tx.tables.save_incident(&incident).await?;
    Ok(notices)
}

async fn question(tx: &mut Tx<'_>, run: RunId, incident: IncidentId, ask: Ask) -> Result<RunEvent, StoreError> {
    let approval = tx.tables.insert_approval(run, incident, &ask, tx.now).await?;
    tx.send_question(approval).await?;
    let Ask { preview, expires_at, before, terms } = ask;
    let terms = (!terms.is_usual() || terms.question.is_some()).then(|| Box::new(terms));
    Ok(RunEvent::ApprovalAsked { approval, preview, expires_at, before, terms })
}

/// Closes the questions of a run that nobody has answered: they stand in chat, with buttons that
/// would do nothing any more.
async fn close_questions(tx: &mut Tx<'_>, run: RunId, state: ApprovalState) -> Result<(), StoreError> {
    for approval in tx.tables.open_approvals_of(run).await? {
        tx.tables.close_approval(approval, state, None, None).await?;
        tx.send_question(approval).await?;
    }
    Ok(())
}

/// The end of a run: nobody holds it or its locks any more, and the news comes in through the front
/// door.
async fn finish(
    tx: &mut Tx<'_>,
    run: RunId,
    (outcome, because): (Outcome, String),
    held: bool,
) -> Result<(), StoreError> {
    tx.tables.end_run(run, outcome, &because, tx.now).await?;
    if held {
        tx.tables.save_held(run).await?;
    }
    close_questions(tx, run, ApprovalState::Withdrawn).await?;
    let body = SignalBody::RunEnded { run, outcome, because };
    let body = serde_json::to_string(&body)
        .map_err(|error| StoreError::Refused { what: "announce the end of a run", message: error.to_string() })?;
    let row = SignalRow {
        source: "run".into(),
        key: run.to_string(),
        received_at: tx.now,
        lane: Lane::People,
        said: None,
        body,
        not_before: None,
    };
    tx.tables.insert_signal(&row).await?.map(|_| ()).ok_or_else(|| StoreError::Refused {
        what: "announce the end of a run",
        message: format!("{run} has ended before"),
    })
}
