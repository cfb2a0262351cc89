use std::collections::BTreeSet;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::message::width;

#[test]
fn each_command_says_all_that_the_ways_to_ask_it_need() {
    let words: BTreeSet<&str> = COMMANDS.iter().map(|command| command.word).collect();
    assert_eq!(words.len(), COMMANDS.len(), "each has a word of its own");
    for command in COMMANDS {
        let word = command.word;
        assert!(word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
        let read = parse_command(command.example).unwrap_or_else(|error| panic!("{}: {error}", command.example));
        assert_eq!(read.word(), word, "{}", command.example);
        assert!((1..=100).contains(&width(command.help)), "{word}: {}", command.help);
        let names: BTreeSet<&str> = command.arguments.iter().map(|argument| argument.name).collect();
        assert_eq!(names.len(), command.arguments.len(), "{word}");
        for argument in command.arguments {
            let name = argument.name;
            assert!((1..=100).contains(&width(argument.help)), "{word} {name}: {}", argument.help);
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{word} {name}");
            if let Need::Or(other) = argument.need {
                assert_eq!(command.argument(other).map(|other| other.need), Some(Need::Or(name)), "{word} {name}");
            }
        }
        let text = command.arguments.iter().position(|argument| argument.shape == Shape::Text);
        assert!(text.is_none_or(|at| at + 1 == command.arguments.len()), "{word}: a text comes last");
    }
}

#[test]
fn what_looks_may_be_asked_by_everybody_and_what_changes_may_not() {
    for (line, needs, looks) in [
        ("/incidents --mine", Role::Viewer, true),
        ("/why 7", Role::Viewer, true),
        ("/run dns --dry-run", Role::Viewer, true),
        ("/run dns", Role::Responder, false),
        ("/ack 7 8", Role::Responder, false),
        ("/ack --all-of db", Role::Responder, false),
        ("/resolve 7", Role::Responder, false),
        ("/approve 7", Role::Responder, false),
        ("/deny 7", Role::Responder, false),
        ("/silence a=b --for 2h we know", Role::Responder, false),
        ("/unsilence 7", Role::Responder, false),
        ("/log 7", Role::Viewer, true),
        ("/windows", Role::Viewer, true),
        ("/freeze all", Role::Responder, false),
        ("/unfreeze 7", Role::Responder, false),
        ("/release 7", Role::Responder, false),
        ("/freezes", Role::Viewer, true),
        ("/breakers", Role::Viewer, true),
        ("/close playbook=dns it is mended", Role::Responder, false),
        ("/oncall who", Role::Viewer, true),
        ("/oncall gaps platform --for 30d", Role::Viewer, true),
        ("/oncall take platform", Role::Responder, false),
        ("/override platform bob --until 8h a dentist", Role::Responder, false),
        ("/unoverride 7", Role::Responder, false),
        ("/handoff", Role::Viewer, true),
        ("/help", Role::Viewer, true),
    ] {
        let command = parse_command(line).unwrap();
        assert_eq!((command.needs(), command.only_looks()), (needs, looks), "{line}");
    }
}

#[test]
fn help_says_who_may_ask_for_what() {
    assert_snapshot!(help_text(Role::Viewer), @"
    /incidents                                what is open, the worst first
        all                                   also those that were resolved in the last 24 hours
        mine                                  only those that you own
        --team TEAM                           only those of this team
        --severity S1,S2                      only those of these severities
        --state STATE                         only open, acknowledged, mitigated or resolved ones
        -o, --output FORMAT                   as text, or as json for scripts
    /why INC-7                                why the bot did what it did
    /timeline INC-7                           what happened to an incident, in its order, and where its pages went
    /log RUN-7                                a run and its log as JSON, for programs
    /objects INC-7                            each object that something fires about in an incident
    /ack INC-7 ...                            I have seen it, and own it (needs the role responder)
        --all-of TEAM                         all of this team that wait for somebody now
    /take INC-7                               I work on it by hand: it is mine, its runs stop, and none begins (needs the role responder)
    /release INC-7                            the bot may begin runs for it again, after somebody took it (needs the role responder)
    /escalate INC-7 [note]                    call whoever comes next in the team's escalation, at once (needs the role responder)
    /assign INC-7 WHO [note]                  call somebody, or a team, to take it over (needs the role responder)
    /resolve INC-7 ... [note]                 it is over; the note may say what it was (needs the role responder)
    /merge INC-7 ...                          they are part of another incident, which goes on for all of them (needs the role responder)
        --into INCIDENT                       the one that takes them in
    /split INC-7                              it is no part of another incident; or one object is no part of it (needs the role responder)
        --object OBJECT                       one of those that `/objects INC-2` lists
    /run PLAYBOOK [name=value ...]            run a playbook now (needs the role responder)
        --dry-run                             show what it would do now; nothing is changed, and every role may ask
    /silence MATCHER ... reason               a maintenance window: what it covers pages nobody and is not changed (needs the role responder)
        --for TIME                            how long it lasts: 90m, 2h, up to 30d
        --from TIME                           when it begins, if not now: 2026-03-02T02:00Z, or 30m from now
    /unsilence WIN-7                          end a maintenance window; what still fires pages (needs the role responder)
    /windows                                  the maintenance windows now and to come, and what each holds back
    /freeze WHAT [reason]                     no run changes anything there, from the answer on (needs the role responder)
        --for TIME                            how long, up to 30d; without, until somebody unfreezes it
    /unfreeze FRZ-7                           end a freeze; new runs may change things there again (needs the role responder)
    /freezes                                  what is frozen: since when, until when, by whom and why
    /breakers                                 playbooks of which no run begins a change, as others did not help
    /close PLAYBOOK reason                    close the breaker of a playbook: its runs may change things again (needs the role responder)
    /approve APR-7                            yes to a question of the bot (needs the role responder)
    /deny APR-7 [reason]                      no to a question of the bot (needs the role responder)
    /approvals                                the questions that wait for an answer: of whom, until when, and who has said yes
    /page test TEAM                           send a team a page that says that it is a test, the way of all pages (needs the role responder)
        --severity S1                         S1 or S2 (else)
    /oncall QUESTION [TEAM]                   who is on call; schedule, gaps, check, ical; take: I cover until the end of the shift
        --at TIME                             then and not now: 2026-03-02T02:00Z, or 30m from now
        --for TIME                            so far ahead, up to 366d: 14d for a schedule, 90d for gaps
        --until TIME                          for take: until then, and not until the end of the shift
        --layer LAYER                         primary or secondary
    /override TEAM MEMBER reason              a member covers for whoever is on call by the rotation, for a time (needs the role responder)
        --until TIME                          its end: 2026-03-02T18:00Z, or 8h after its beginning
        --from TIME                           its beginning, if not now: 2026-03-02T08:00Z, or 30m from now
        --whom MEMBER                         only while it would be the turn of this member
        --layer LAYER                         primary, if nothing is said, or secondary
    /unoverride OVR-7                         end an override before its time: the rotation counts again (needs the role responder)
    /playbooks [QUESTION] [NAME] [FROM] [TO]  the playbooks and how they did; history NAME: what each was; diff NAME: what has changed
    /handoff                                  the shift so far, as the handoff will tell it
    /help                                     what can be asked for
    ");
    assert!(!help_text(Role::Responder).contains("needs the role"));
}

proptest! {
    #[test]
    fn a_line_reads_as_what_was_given(given in samples::any_given()) {
        let line = given.line();
        prop_assert_eq!(&parse_command(&line), &given.command(), "{}", line);
    }

    #[test]
    fn what_is_asked_is_kept_as_it_is(given in samples::any_given()) {
        let command = given.command().unwrap();
        let kept = serde_json::to_string(&command).unwrap();
        prop_assert_eq!(serde_json::from_str::<Command>(&kept).unwrap(), command);
    }
}

/// A command that is yet to come needs nothing that is not there.
#[test]
fn a_command_may_have_ids_a_time_options_and_a_note() {
    static SILENCE: Definition = Definition {
        word: "silence",
        help: "nobody is told of it for a time",
        example: "/silence INC-7 2h we know",
        arguments: &[
            Argument::words("incident", Value::Incident, "INCIDENT", "which ones"),
            Argument { need: Need::Optional, ..Argument::word("for", Value::Duration, "TIME", "for how long") },
            Argument::option("team", Value::Text, "TEAM", "whose"),
            Argument::flag("pages-too", "also what pages"),
            Argument::text("note", "NOTE", "why"),
        ],
        needs: Role::Responder,
        only_looks: false,
        shell: None,
        read: |_| Ok(Command::Help),
    };
    for (line, read) in [
        ("7 2h we know", "incident=INC-7 for=2h note=we know"),
        ("INC-7 INC-8 we know", "incident=INC-7,INC-8 note=we know"),
        ("inc-7,INC-8, 1d12h", "incident=INC-7,INC-8 for=1d12h"),
        (
            "--team 'my own' INC-7 --pages-too 90s it's \"that\"",
            "incident=INC-7 for=90s team=my own pages-too= note=it's \"that\"",
        ),
        ("INC-7 --team=db 2 disks", "incident=INC-7 team=db note=2 disks"),
        ("INC-7 -- --team is right", "incident=INC-7 note=--team is right"),
    ] {
        let given = line::Reader::read(&SILENCE, line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let told: Vec<String> =
            samples::values(&given).iter().map(|(it, values)| format!("{}={}", it.name, values.join(","))).collect();
        assert_eq!(told.join(" "), read, "{line}");
    }
}
