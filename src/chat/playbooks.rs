//! `/playbooks`: what counts, and what was kept.

use super::look::{Look, parts};
use crate::message;
use crate::model::{PlaybookQuestion, PlaybookRef};
use crate::store::{KeptPlaybook, StoreError};

impl Look<'_> {
    /// The answer, or what is wrong with the question.
    pub(super) async fn playbooks(&self, question: PlaybookQuestion) -> Result<Result<String, String>, StoreError> {
        let rows = match self.playbooks {
            Some(playbooks) => playbooks.listed().await,
            None => Vec::new(),
        };
        let row = |name: &str| rows.iter().find(|row| row.reference.name == name);
        let counts = |name: &str| row(name).filter(|row| !row.is_disabled).map(|row| row.reference.clone());
        if let PlaybookQuestion::History { name } | PlaybookQuestion::Diff { name, .. } = &question
            && name.is_empty()
        {
            let known: Vec<&str> = rows.iter().map(|row| row.reference.name.as_str()).collect();
            return Ok(Err(format!("which playbook? write its name behind that: {}", known.join(", "))));
        }
        Ok(match question {
            PlaybookQuestion::List => {
                let names: Vec<&str> = rows.iter().map(|row| row.reference.name.as_str()).collect();
                let runs = self.store.playbook_runs(&names).await?;
                // Also of what is not in the folder any more.
                let stopped = self.stopped(|_| true).await?;
                Ok(parts([message::playbooks_table(&rows, &runs, self.now), stopped]))
            }
            PlaybookQuestion::History { name } => {
                let kept = self.store.kept_playbooks(&name).await?;
                let told = message::playbook_history(&name, &kept, row(&name));
                if kept.is_empty() { Err(told) } else { Ok(told) }
            }
            PlaybookQuestion::Diff { name, from, to } => {
                let kept = self.store.kept_playbooks(&name).await?;
                let (from, to) = match between(&kept, counts(&name).as_ref(), from.as_deref(), to.as_deref()) {
                    Ok(both) => both,
                    Err(why) => {
                        return Ok(Err(format!("{why}; `/playbooks history {}` lists them", message::clip(&name, 63))));
                    }
                };
                let (old, new) = (self.source(&from).await?, self.source(&to).await?);
                Ok(message::playbook_diff((&from, &old), (&to, &new)))
            }
        })
    }

    async fn source(&self, playbook: &PlaybookRef) -> Result<String, StoreError> {
        Ok(self.store.playbook_source(&playbook.digest).await?.unwrap_or_default())
    }
}

/// What is compared with what. Without `to`, it is what counts now, or what was kept last; without
/// `from`, what was kept before that.
fn between(
    kept: &[KeptPlaybook],
    counts: Option<&PlaybookRef>,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<(PlaybookRef, PlaybookRef), String> {
    let newest = || kept.first().map(|kept| kept.reference.clone()).ok_or("nothing was kept of it");
    let to = match to {
        Some(text) => called(kept, text)?,
        None => match counts {
            Some(counts) => counts.clone(),
            None => newest()?,
        },
    };
    let before = || {
        let at = kept.iter().position(|kept| kept.reference.digest == to.digest);
        let before = kept.get(at.map_or(0, |at| at + 1)).map(|kept| kept.reference.clone());
        before.ok_or("there is none before it")
    };
    let from = match from {
        Some(text) => called(kept, text)?,
        None => before()?,
    };
    Ok((from, to))
}

/// The content of that version, the newest where there are several, or of the digest that begins so.
fn called(kept: &[KeptPlaybook], text: &str) -> Result<PlaybookRef, String> {
    if let Some(found) = kept.iter().find(|kept| kept.reference.version == text) {
        return Ok(found.reference.clone());
    }
    let mut of_digest = kept.iter().filter(|kept| text.len() >= 4 && kept.reference.digest.as_str().starts_with(text));
    match (of_digest.next(), of_digest.next()) {
        (Some(found), None) => Ok(found.reference.clone()),
        (Some(_), Some(_)) => {
            Err(format!("several contents have a digest that begins with `{}`", message::clip(text, 64)))
        }
        (None, _) => Err(format!("no version and no digest of it is `{}`", message::clip(text, 64))),
    }
}
