//! The order in which the operations of a bulk request are executed.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::Operation;
use super::references::References;

/// One thing to execute.
#[derive(Debug)]
pub(super) enum Step {
    /// This operation.
    Run(usize),
    /// The PATCH that adds to what this operation created the references that it had to be created without.
    Complete(usize, Value),
}

impl Step {
    /// The place of the operation in the request.
    pub(super) fn operation(&self) -> usize {
        let (Self::Run(place) | Self::Complete(place, _)) = *self;
        place
    }
}

/// Orders the operations, the first one last: each after those that create what it refers to. Where that is
/// impossible, in a circle, the references that close it leave the operation and become a step of their own.
pub(super) fn plan(operations: &mut [Operation], references: References<'_>) -> Vec<Step> {
    let creators = creators(operations);
    let mut order = Order::new(needs(operations, &creators, references));
    (0..operations.len()).for_each(|place| order.visit(place));

    let mut steps = Vec::new();
    let mut waiting: Vec<(usize, Vec<usize>, Value)> = Vec::new();
    for place in order.finished {
        steps.push(Step::Run(place));
        if let (Some(closing), Ok(request)) = (order.closing.remove(&place), &mut operations[place].request) {
            let postponed =
                |bulk_id: &str| creators.get(bulk_id).is_some_and(|creator| closing.contains(creator));
            waiting.extend(references.postpone(request, &postponed).map(|patch| (place, closing, patch)));
        }
        for (_, needed, _) in &mut waiting {
            needed.retain(|&creator| creator != place);
        }
        let ready = waiting.extract_if(.., |(_, needed, _)| needed.is_empty());
        steps.extend(ready.map(|(place, _, patch)| Step::Complete(place, patch)));
    }
    steps.reverse();
    steps
}

/// Which operation creates the resource of a bulkId.
fn creators(operations: &[Operation]) -> HashMap<String, usize> {
    let creator = |(place, operation): (usize, &Operation)| {
        operation.bulk_id.clone().filter(|_| operation.creates()).map(|bulk_id| (bulk_id, place))
    };
    operations.iter().enumerate().filter_map(creator).collect()
}

/// For each operation, those that create what it refers to: each once, the first one last.
fn needs(
    operations: &[Operation],
    creators: &HashMap<String, usize>,
    references: References<'_>,
) -> Vec<Vec<usize>> {
    let needed = |operation: &Operation| {
        let referred = operation.request.as_ref().map(|request| references.of(request)).unwrap_or_default();
        let referred = referred.into_iter();
        let needed: BTreeSet<usize> = referred.filter_map(|id| creators.get(&*id).copied()).collect();
        needed.into_iter().rev().collect()
    };
    operations.iter().map(needed).collect()
}

/// A walk through the operations, depth first.
struct Order {
    needs: Vec<Vec<usize>>,
    states: Vec<State>,
    /// The operations in their order.
    finished: Vec<usize>,
    /// For operations in circles, those that they need and that come only after them.
    closing: HashMap<usize, Vec<usize>>,
}

#[derive(Clone, Copy)]
enum State {
    New,
    /// What it needs is being visited.
    Open,
    Finished,
}

impl Order {
    fn new(needs: Vec<Vec<usize>>) -> Self {
        let states = vec![State::New; needs.len()];
        Self { needs, states, finished: Vec::new(), closing: HashMap::new() }
    }

    /// Finishes an operation after all that it needs. The walk keeps its own stack: a client chooses its depth.
    fn visit(&mut self, start: usize) {
        let mut stack: Vec<usize> = vec![start];
        while let Some(&place) = stack.last() {
            if let State::New = self.states[place] {
                self.states[place] = State::Open;
            }
            match self.needs[place].pop() {
                Some(needed) => match self.states[needed] {
                    State::New => stack.push(needed),
                    State::Open => self.closing.entry(place).or_default().push(needed),
                    State::Finished => {}
                },
                None => {
                    stack.pop();
                    if let State::Open = std::mem::replace(&mut self.states[place], State::Finished) {
                        self.finished.push(place);
                    }
                }
            }
        }
    }
}
