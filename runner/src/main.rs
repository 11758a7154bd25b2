//! `agent-runner`: carries out one run inside a pod.

fn main() {}
