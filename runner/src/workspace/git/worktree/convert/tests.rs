use super::*;

#[test]
fn keywords_of_git_are_expanded_and_no_others() {
    let id = Oid::from_str("0123456789012345678901234567890123456789").expect("an id");
    let to = format!("$Id: {id} $");
    for (from, wanted) in [
        ("$Id$", Some(to.clone())),
        ("a $Id$ b $Id: old $ $", Some(format!("a {to} b {to} $"))),
        ("$Id:$", Some(to.clone())),
        ("$Id: file,v 1.2 author $", None),
        ("$Id: \n$ $Id", None),
        ("$Ident$ Id$", None),
        (
            "$Id: f,v 1.2 x $ $Id$",
            Some(format!("$Id: f,v 1.2 x $ {to}")),
        ),
        ("$Id: a\n$Id$", Some(format!("$Id: a\n{to}"))),
        ("$Id: a$Id$", Some(format!("{to}Id$"))),
        ("$$Id$ $I$Id$", None),
        ("$$$Id$ $Idx$Id$", Some(format!("$${to} $Idx{to}"))),
        ("$Id", None),
        ("$Id: ", None),
        ("$", None),
    ] {
        let done = expanded(id, from.as_bytes());
        assert_eq!(done, wanted.map(String::into_bytes), "{from}");
    }
}

#[test]
fn only_text_is_given_carriage_returns_by_itself() {
    for (content, changes) in [
        (&b"a\nb\n"[..], true),
        (b"a\r\nb\n", false),
        (b"a\0\n", false),
        (b"\x01\n", false),
        (b"a\n\x1a", true),
        (b"none", false),
    ] {
        assert_eq!(Ends::WindowsIfText.change(content), changes, "{content:?}");
    }
    assert_eq!(windows(b"a\nb\r\n\n"), b"a\r\nb\r\n\r\n");
}
