mod matching;
mod narrowing;
mod reading;
