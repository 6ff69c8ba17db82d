//! What a workflow's table of moves says of the whole: the diagram, the table for people, and what is wrong with it.

use super::{To, Workflow};
use crate::text_enum::{Choice, Labelled};

/// What a workflow tells of itself, for the manifest of its domain.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// The kind of what moves.
    pub name: &'static str,
    /// What people call it.
    pub zh: &'static str,
    /// The diagram, as Mermaid draws it.
    pub diagram: fn() -> String,
    /// The table of moves, in Markdown.
    pub table: fn() -> String,
    /// What is wrong with the table of moves; nothing, as a test insists.
    pub faults: fn() -> Vec<String>,
}

impl Chart {
    /// The chart of a workflow.
    #[must_use]
    pub const fn of<W: Workflow>() -> Self {
        Self { name: W::NAME, zh: W::ZH, diagram: diagram::<W>, table: table::<W>, faults: faults::<W> }
    }
}

/// The states from which a move of a given state leads there, itself left out.
fn senders<W: Workflow>(to: W::State) -> Vec<W::State> {
    let leading = W::MOVES.iter().filter(|step| matches!(step.to, To::State(state) if state == to));
    leading.flat_map(|step| step.from.iter().copied()).filter(|from| *from != to).collect()
}

/// Every move as from where, by what, to where; a return leads to each state from which it could have been sent.
fn edges<W: Workflow>() -> Vec<(W::State, W::Action, W::State)> {
    let mut edges = Vec::new();
    for step in W::MOVES {
        for from in step.from {
            let ends = match step.to {
                To::State(to) => vec![to],
                To::Sender => senders::<W>(*from),
            };
            edges.extend(ends.into_iter().map(|to| (*from, step.action, to)));
        }
    }
    edges
}

fn diagram<W: Workflow>() -> String {
    let mut text = "stateDiagram-v2\n".to_owned();
    for state in <W::State as Labelled>::EVERY {
        let Choice { word, zh } = state.choice();
        text += &format!("    {word}: {zh}\n");
    }
    text += &format!("    [*] --> {}\n", W::FIRST.choice().word);
    for (from, action, to) in edges::<W>() {
        text += &format!("    {} --> {}: {}\n", from.choice().word, to.choice().word, action.choice().zh);
    }
    for state in W::FINAL {
        text += &format!("    {} --> [*]\n", state.choice().word);
    }
    text
}

fn table<W: Workflow>() -> String {
    let mut text = "| action | 操作 | from | to | permission | refused by |\n|---|---|---|---|---|---|\n".to_owned();
    for step in W::MOVES {
        let Choice { word, zh } = step.action.choice();
        let from: Vec<String> = step.from.iter().map(|state| format!("`{}`", state.choice().word)).collect();
        let to = match step.to {
            To::State(state) => format!("`{}`", state.choice().word),
            To::Sender => "where it came from".to_owned(),
        };
        let guards: Vec<String> = step.guards.iter().map(|guard| format!("`{}`", guard.unless.code)).collect();
        text += &format!("| `{word}` | {zh} | {} | {to} | `{}` | {} |\n", from.join(", "), step.may.0, guards.join(", "));
    }
    text
}

fn faults<W: Workflow>() -> Vec<String> {
    let mut faults = Vec::new();
    let edges = edges::<W>();
    let mut reached = vec![W::FIRST];
    let mut next = 0;
    while let Some(state) = reached.get(next).copied() {
        next += 1;
        for (_, _, to) in edges.iter().filter(|(from, _, _)| *from == state) {
            if !reached.contains(to) {
                reached.push(*to);
            }
        }
    }
    for state in <W::State as Labelled>::EVERY {
        let word = state.choice().word;
        if !reached.contains(state) {
            faults.push(format!("{}: nothing leads to {word}", W::NAME));
        }
        let has_exit = edges.iter().any(|(from, _, to)| from == state && to != state);
        match (W::FINAL.contains(state), has_exit) {
            (false, false) => faults.push(format!("{}: nothing leads out of {word}", W::NAME)),
            (true, true) => faults.push(format!("{}: {word} is final and has a way out", W::NAME)),
            _ => {}
        }
        for action in <W::Action as Labelled>::EVERY {
            if W::MOVES.iter().filter(|step| step.action == *action && step.from.contains(state)).count() > 1 {
                faults.push(format!("{}: {word} has two moves for {}", W::NAME, action.choice().word));
            }
        }
    }
    for action in <W::Action as Labelled>::EVERY {
        if !W::MOVES.iter().any(|step| step.action == *action) {
            faults.push(format!("{}: {} is in no move", W::NAME, action.choice().word));
        }
    }
    for step in W::MOVES.iter().filter(|step| matches!(step.to, To::Sender)) {
        for from in step.from.iter().filter(|from| senders::<W>(**from).is_empty()) {
            faults.push(format!("{}: nobody sends to {}, so it cannot go back", W::NAME, from.choice().word));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::paper::{Deed, Paper, Place, Torn};
    use super::*;

    #[test]
    fn the_diagram_comes_from_the_table() {
        let chart = Chart::of::<Paper>();
        assert_eq!((chart.name, chart.zh, (chart.faults)()), ("paper", "公文", Vec::new()));
        let lines = [
            "stateDiagram-v2",
            "    desk: 案头",
            "    check: 核稿",
            "    signing: 签发",
            "    archive: 归档",
            "    [*] --> desk",
            "    desk --> check: 送审",
            "    check --> signing: 送审",
            "    signing --> archive: 签发",
            "    check --> desk: 退回",
            "    signing --> check: 退回",
            "    archive --> [*]",
        ];
        assert_eq!((chart.diagram)().lines().collect::<Vec<_>>(), lines);
        assert!((chart.table)().contains("| `send` | 送审 | `desk` | `check` | `paper.write` | `text.empty` |\n"));
        assert!((chart.table)().contains("| `back` | 退回 | `check`, `signing` | where it came from | `paper.write` |  |\n"));
        assert_eq!((Place::CHOICES.len(), Deed::CHOICES.len()), (4, 3));
    }

    #[test]
    fn what_is_wrong_with_a_table_is_named() {
        assert_eq!(
            (Chart::of::<Torn>().faults)(),
            [
                "torn: desk has two moves for send",
                "torn: check is final and has a way out",
                "torn: nothing leads out of signing",
                "torn: nothing leads to archive",
                "torn: nothing leads out of archive",
                "torn: sign_it is in no move",
                "torn: nobody sends to desk, so it cannot go back",
            ]
        );
    }
}
