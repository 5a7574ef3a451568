mod contradiction;
mod matching;
mod narrowing;
mod oracle;
mod reading;
