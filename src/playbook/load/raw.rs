//! The document as it was written, before anything but its form is known to be right.

use serde::de::MapAccess;

use super::reader::{Fields, Reader, Seen, Text, place, plain_fields};
use super::several::{OneOrEach, OneOrMore};
use super::step::RawStep;
use crate::language::{Arg, Location};
use crate::playbook::SiteSettings;

/// The whole document.
#[derive(Debug, Default)]
pub(in crate::playbook) struct RawPlaybook {
    pub seen: Seen,
    pub api_version: Option<Text>,
    pub kind: Option<Text>,
    pub metadata: Option<RawMetadata>,
    pub summary: Option<Text>,
    pub severity: Option<Text>,
    pub autonomy: Option<Text>,
    pub approval: Option<RawApproval>,
    pub page_by: Option<Text>,
    pub triggers: Vec<RawTrigger>,
    pub target: Option<RawTarget>,
    pub inputs: RawInputs,
    pub limits: RawLimits,
    pub diagnose: Vec<RawStep>,
    pub mitigate: Vec<RawStep>,
    pub escalate: Option<Vec<RawStep>>,
    /// What a site has set, behind what its author wrote.
    pub settings: Option<(Location, SiteSettings)>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawMetadata {
    pub seen: Seen,
    pub name: Option<Text>,
    pub version: Option<Text>,
    pub owner: Option<Text>,
    pub review_by: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawTrigger {
    pub seen: Seen,
    pub alert: Option<Text>,
    pub condition: Option<Text>,
    pub schedule: Option<RawSchedule>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawSchedule {
    pub seen: Seen,
    pub at: Option<Text>,
    pub days: Option<Text>,
    pub cron: Option<Text>,
    pub time_zone: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawTarget {
    pub seen: Seen,
    pub kind: Option<OneOrMore>,
    pub from: Option<Text>,
    pub label: Option<OneOrEach>,
    pub namespace: Option<Arg<String>>,
    pub name: Option<Arg<String>>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawInputs {
    pub seen: Seen,
    pub inputs: Vec<(Text, RawInput)>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawInput {
    pub seen: Seen,
    pub kind: Option<Text>,
    pub default: Option<Text>,
    pub minimum: Option<Text>,
    pub maximum: Option<Text>,
    pub label: Option<Text>,
    pub description: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawLimits {
    pub seen: Seen,
    pub runs: Option<Text>,
    pub runs_per_target: Option<Text>,
    pub runs_per_playbook: Option<Text>,
    pub runs_per_namespace: Option<Text>,
    pub ramp: Option<Text>,
    pub cooldown: Option<Text>,
}

#[derive(Debug, Default)]
pub(in crate::playbook) struct RawApproval {
    pub seen: Seen,
    pub people: Option<Text>,
    pub of: Option<Text>,
    pub by: Option<(Location, Vec<Text>)>,
    pub within: Option<Text>,
    pub requester: Option<Text>,
    pub question: Option<Text>,
}

impl Fields for RawPlaybook {
    const WHAT: &'static str = "a playbook";
    const NAMES: &'static [&'static str] = &[
        "apiVersion",
        "kind",
        "metadata",
        "summary",
        "severity",
        "autonomy",
        "approval",
        "page_by",
        "triggers",
        "target",
        "inputs",
        "limits",
        "diagnose",
        "mitigate",
        "escalate",
    ];

    fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        match key.value.as_str() {
            "apiVersion" => self.api_version = Some(map.next_value()?),
            "kind" => self.kind = Some(map.next_value()?),
            "metadata" => self.metadata = Some(reader.map(key, map)?),
            "summary" => self.summary = Some(map.next_value()?),
            "severity" => self.severity = Some(map.next_value()?),
            "autonomy" => self.autonomy = Some(map.next_value()?),
            "approval" => self.approval = Some(reader.map(key, map)?),
            "page_by" => self.page_by = Some(map.next_value()?),
            "triggers" => self.triggers = reader.list(map)?,
            "target" => self.target = Some(reader.map(key, map)?),
            "inputs" => self.inputs = reader.map(key, map)?,
            "limits" => self.limits = reader.map(key, map)?,
            "diagnose" => self.diagnose = reader.list(map)?,
            "mitigate" => self.mitigate = reader.list(map)?,
            "escalate" => self.escalate = Some(reader.list(map)?),
            // Nobody is told to write it: it is no word of the language.
            "settings" => self.settings = Some((place(key), map.next_value()?)),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Fields for RawApproval {
    const WHAT: &'static str = "`approval`";
    const NAMES: &'static [&'static str] = &["people", "of", "by", "within", "requester", "question"];

    fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        _reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        match key.value.as_str() {
            "people" => self.people = Some(map.next_value()?),
            "of" => self.of = Some(map.next_value()?),
            "by" => self.by = Some((place(key), map.next_value()?)),
            "within" => self.within = Some(map.next_value()?),
            "requester" => self.requester = Some(map.next_value()?),
            "question" => self.question = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

plain_fields!(RawMetadata, "`metadata`", "name" => name, "version" => version, "owner" => owner, "review_by" => review_by);

plain_fields!(RawTrigger, "a trigger", "alert" => alert, "where" => condition; maps "schedule" => schedule);

plain_fields!(RawSchedule, "`schedule`", "at" => at, "days" => days, "cron" => cron, "time_zone" => time_zone);

plain_fields!(RawTarget, "`target`", "kind" => kind, "from" => from, "label" => label, "namespace" => namespace, "name" => name);

impl Fields for RawInputs {
    const WHAT: &'static str = "`inputs`";
    const NAMES: &'static [&'static str] = &[];

    fn seen(&mut self) -> &mut Seen {
        &mut self.seen
    }

    /// Every key is the name of an input.
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &Text,
        map: &mut A,
        reader: &Reader<'_>,
    ) -> Result<bool, A::Error> {
        let input = reader.map(key, map)?;
        self.inputs.push((key.clone(), input));
        Ok(true)
    }
}

plain_fields!(RawInput, "an input", "type" => kind, "default" => default, "minimum" => minimum, "maximum" => maximum, "label" => label, "description" => description);

plain_fields!(
    RawLimits,
    "`limits`",
    "runs" => runs,
    "runs_per_target" => runs_per_target,
    "runs_per_playbook" => runs_per_playbook,
    "runs_per_namespace" => runs_per_namespace,
    "ramp" => ramp,
    "cooldown" => cooldown
);
