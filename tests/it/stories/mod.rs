//! Stories told once across feeds: the labelled corpus, and what the operator can ask and undo.

mod arrivals;
mod asked;
mod corpus;
mod hostile;
mod judged;
mod orders;
