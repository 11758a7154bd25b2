use super::*;

#[test]
fn only_paths_below_the_workspace_are_moved() {
    for (text, expected) in [
        ("/workspace", "/w"),
        ("/workspace/a --to=/workspace/b", "/w/a --to=/w/b"),
        ("cd /workspace; ls", "cd /w; ls"),
        ("/workspaces/a", "/workspaces/a"),
        ("/mnt/workspace/a", "/mnt/workspace/a"),
        ("no path", "no path"),
    ] {
        assert_eq!(moved(text, "/w"), expected);
    }
}
