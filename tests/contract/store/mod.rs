//! What every store promises. Each check is a short life of a bot, on a clock that stands still
//! unless it is moved, and knows nothing of what is behind the traits.
//!
//! [`each_store_check`] makes a test of each, for one backend. A check that is not in its list is
//! dead code, and does not compile.

#![deny(dead_code, reason = "a check that nobody runs holds nobody to anything")]

pub mod approvals;
pub mod clock;
pub mod decisions;
pub mod deliveries;
pub mod episodes;
pub mod escalations;
pub mod folds;
pub mod freezes;
pub mod handoffs;
pub mod heartbeats;
pub mod incidents;
pub mod limits;
pub mod merges;
pub mod overrides;
pub mod pages;
pub mod places;
pub mod races;
pub mod runs;
pub mod secrets;
pub mod signals;
pub mod tickets;
pub mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::metrics::Levels;
use dogwatch::model::*;
use dogwatch::store::*;

use crate::story::{self, LEASE, Place, morning, target};

/// Knows the store by its traits alone, and its place as somewhere that it can be opened again.
pub type Story = story::Story<Arc<dyn Place>>;

/// Makes a test of each check: `each_store_check!(path::to::this::module, place)`, where `place` is
/// an async function that gives a new place for a store.
#[macro_export]
macro_rules! each_store_check {
    ($suite:path, $place:path) => {
        $crate::each_store_check! { $suite, $place:
            signals {
                a_signal_is_accepted_once_however_often_it_comes
                a_known_key_with_another_command_is_not_taken_for_the_one_before
                pieces_are_worked_on_one_by_one_and_one_that_is_set_aside_keeps_no_other_back
                who_goes_first_is_the_lane_and_in_it_the_order
                the_sources_of_a_lane_take_turns
                a_try_is_counted_before_the_work_and_is_there_after_a_death
                a_no_is_kept_as_a_no
                a_redelivery_is_worked_on_again_behind_what_may_have_ended_it
                a_signal_that_is_put_off_comes_once_and_at_its_time
                what_is_set_aside_is_out_of_the_way_and_kept
                writes_from_many_sides_are_all_kept
                a_bell_rings_for_those_who_have_something_to_do
            }
            decisions {
                a_signal_is_decided_about_once
                a_decision_that_fails_leaves_nothing_behind
                what_can_never_be_done_is_told_from_what_may_pass
                ten_thousand_episodes_are_one_decision
            }
            episodes {
                an_episode_that_moves_to_another_incident_counts_there
                the_latest_episode_of_each_alert_is_found_among_many
                a_firing_is_known_by_its_alert_its_start_and_its_source
                an_episode_keeps_the_labels_that_it_was_opened_with
                alerts_are_counted_the_noisiest_first
            }
            incidents {
                the_latest_incident_of_a_grouping_is_found
                an_incident_is_viewed_with_its_runs_under_way_and_what_waits_for_somebody
                incidents_are_listed_the_worst_first_by_when_they_were_open
                a_timeline_holds_the_logs_of_the_runs_in_their_place
                levels_tell_how_much_there_is_of_what
            }
            merges {
                what_is_merged_goes_on_in_the_whole_and_what_is_split_comes_back
                a_part_of_a_part_comes_back_with_it
                the_pages_of_a_part_of_a_part_are_answered_by_whoever_has_the_whole
                the_pages_of_a_part_are_answered_with_the_whole
                what_was_decided_about_an_incident_is_not_done_to_what_became_a_part
                what_a_person_set_apart_gathers_with_nobody
                what_fires_is_told_by_what_it_is_about
                what_is_affected_is_told_by_objects_and_by_alerts
                how_objects_were_counted_is_forgotten_when_the_words_change
            }
            pages {
                one_page_for_each_spell_and_level
                what_becomes_worse_is_another_page_of_the_same_spell
                a_page_that_is_due_is_made_once
                a_page_says_where_it_goes_and_how_that_stands
                a_page_is_unanswered_until_somebody_acknowledges_or_resolves
                pages_of_a_time_are_those_that_were_made_in_it
                a_page_for_what_was_mitigated_opens_it_again
            }
            folds {
                over_its_teams_budget_a_page_is_told_in_the_latest_of_its_shape
                a_fold_is_due_at_its_time_or_when_the_page_that_tells_of_it_is_over
                a_budget_counts_what_time_has_passed_whatever_the_clock_says
                what_was_folded_in_a_shift_is_told_of_its_team
            }
            escalations {
                a_page_that_goes_out_has_a_time_at_which_the_next_is_called
                a_call_is_made_once_and_is_a_page_of_its_own
                whoever_has_it_ends_the_calls_and_has_a_time_to_touch_it
                what_a_person_asks_for_is_due_at_once_and_nothing_replaces_it
                at_the_end_of_a_policy_nobody_is_due
                a_page_has_arrived_when_it_first_came_to_somebody
                a_clock_that_is_set_moves_who_is_called_next
            }
            tickets {
                a_tracker_that_is_left_alone_gets_nothing_from_anybody
                one_ticket_for_each_incident_and_tracker
                what_is_in_doubt_is_known_to_the_next_process_and_tried_no_earlier
                a_ticket_is_found_again_and_told_of_what_changes
                work_is_filed_once_for_its_key_and_outlives_its_incident
                work_that_is_filed_nowhere_is_told_of
            }
            runs {
                what_was_done_for_an_object_is_found_until_it_is_long_ago
                what_failed_for_certain_was_not_done
                a_run_belongs_to_one_worker_until_its_lease_is_over
                whoever_gets_on_with_a_run_keeps_it
                the_log_has_no_gap_and_no_fork
                a_parked_run_wakes_at_its_time_or_when_something_comes_in
                the_engine_hears_of_a_timer_that_was_set
                a_run_never_wakes_before_its_time_however_exact_that_is
                what_came_in_while_a_run_parked_wakes_it_at_once
                no_mutation_begins_over_an_inbox_or_without_its_lock
                the_end_of_a_run_comes_in_through_the_front_door
                the_history_of_a_playbook_on_a_target_is_the_newest_first
                what_was_done_about_a_target_is_told_whatever_the_playbook
                runs_are_listed_by_incident_while_under_way_and_by_when_they_ended
                a_playbook_s_text_is_kept_by_its_digest
                what_a_playbook_was_and_how_it_did_is_known
                what_a_run_leaves_in_its_inbox_wakes_it_no_more
                a_run_pages_once_and_what_it_has_to_add_is_told_in_chat
            }
            approvals {
                an_approval_is_answered_once_and_its_answer_reaches_the_run
                several_must_say_yes_each_once_and_their_run_is_told_of_the_last
                a_no_with_its_reason_ends_a_question_that_some_said_yes_to
                open_questions_are_those_that_nobody_has_answered
                a_question_is_closed_by_its_time_or_by_the_end_of_its_run
            }
            deliveries {
                a_delivery_is_repeated_until_it_arrives_and_again_when_its_subject_changed_on_the_way
                what_is_given_up_is_tried_again_when_it_changed_on_the_way
                a_page_goes_to_another_sink_once
                how_a_page_was_told_is_remembered
                a_page_that_another_of_its_entry_has_goes_to_no_other
                pages_are_delivered_before_messages
                the_worst_page_is_delivered_first
                where_one_arrives_again_what_failed_before_follows_at_once
                what_a_receiver_knows_of_a_page_is_kept
            }
            clock {
                what_waits_waits_as_long_as_it_was_meant_to
                those_for_whom_something_waits_are_told_and_history_keeps_its_times
                a_clock_that_was_set_is_remembered_by_the_next_process
            }
            handoffs {
                a_handoff_is_remembered_once_and_the_last_that_is_over_is_told
                a_shift_of_some_teams_is_viewed_with_what_it_leaves
            }
            heartbeats {
                a_heartbeat_is_counted_and_outlives_the_process
                one_that_is_over_came_no_later_for_that
                what_is_forgotten_is_gone
                heartbeats_of_a_delivery_are_durable_with_it
            }
            freezes {
                a_freeze_holds_until_its_end_or_until_somebody_ends_it
                no_mutation_begins_that_a_freeze_covers
                the_reply_names_what_was_started_and_is_not_known_to_be_over
                who_took_an_incident_is_known_until_it_is_given_back_or_over
            }
            limits {
                a_limit_is_counted_in_the_transaction_that_starts
                a_ramp_that_has_stopped_stands_until_its_time_or_a_person
                a_run_that_was_held_counts_for_no_limit_of_its_target
                no_limit_is_exceeded_in_random_stories
                a_breaker_opens_with_the_end_of_a_run_and_stays_until_a_person_closes_it
            }
            overrides {
                an_override_is_kept_until_long_after_its_end
                whoever_ends_an_override_ends_it_once_and_now
                a_bell_rings_for_who_is_on_call_and_for_nothing_else
            }
            secrets {
                what_is_decided_is_written_without_secrets
                what_a_run_says_is_written_without_secrets
                nothing_is_acted_on_that_masking_would_change
            }
            windows {
                a_window_covers_from_its_beginning_until_before_its_end
                the_end_of_a_window_is_told_once
                no_page_is_made_of_what_windows_cover
                what_was_held_back_is_counted_where_all_is_told
                an_alert_knows_the_window_that_held_it_until_it_is_let_go
                a_file_s_windows_are_what_the_file_says
                what_fires_is_told_by_its_source_and_which_firing_it_is
            }
            races {
                the_same_signal_from_many_sides_is_taken_in_once
                a_signal_that_many_decide_about_is_decided_about_once
                each_run_is_claimed_by_one
                one_place_in_a_log_is_written_by_one
                a_lock_is_taken_by_one
                a_page_that_many_find_due_is_made_once
                a_delivery_is_taken_by_one
            }
            places {
                everything_is_there_after_a_restart
                somebody_may_look_beside_the_server_and_without_it_but_not_write
            }
        }
    };
    ($suite:path, $place:path: $($group:ident { $($check:ident)* })*) => {
        $(
            mod $group {
                $(
                    #[tokio::test]
                    async fn $check() {
                        use $suite as suite;
                        suite::$group::$check(suite::begins($place().await).await).await;
                    }
                )*
            }
        )*
    };
}

pub async fn begins(place: impl Place + 'static) -> Story {
    Story::begins(Arc::new(place), morning(), story::sinks(&["console"], &["console", "webhook"])).await
}

const ALERT: &str = "CoreDNSLatencyHigh";

const PLAYBOOK: &str = "coredns-saturated";

/// One incident with `alerts` open episodes, whose fingerprints are `{name}-{n}`.
async fn incident(story: &Story, name: &str, alerts: usize) -> IncidentId {
    story.incident(Severity::S2, name, ALERT, alerts).await
}

async fn run(story: &Story, incident: IncidentId, on: &str) -> RunId {
    story.opens_run_on(incident, PLAYBOOK, target(on)).await
}

fn new_incident(name: &str) -> NewIncident {
    NewIncident {
        grouping: Grouping::Other { text: format!("target:{name}") },
        gathers: Vec::new(),
        shares: Vec::new(),
        title: name.into(),
        severity: Severity::S2,
        target: Some(target(name)),
        team: "platform".into(),
        playbook: Some(PLAYBOOK.into()),
    }
}

fn episode(incident: IncidentRef, fingerprint: &str) -> Change {
    Change::OpenEpisode {
        incident,
        episode: NewEpisode {
            source: "alertmanager".into(),
            fingerprint: fingerprint.into(),
            alert: ALERT.into(),
            object: fingerprint.into(),
            labels: [("alertname".to_owned(), ALERT.to_owned())].into(),
            annotations: BTreeMap::new(),
            starts_at: morning(),
            severity: None,
            held_by: None,
            counted_as: None,
        },
    }
}

fn overdue() -> NewPage {
    NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None }
}

fn noted(text: &str) -> Append {
    Append { events: vec![RunEvent::CancelAsked { by: text.into() }], ..Append::default() }
}

fn done(appended: Appended) -> LogPosition {
    match appended {
        Appended::Done { at, .. } => at,
        other => panic!("the append was refused: {other:?}"),
    }
}
