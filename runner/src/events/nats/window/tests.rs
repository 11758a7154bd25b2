use super::*;

fn flight(end: Option<u64>) -> Flight {
    Flight {
        subject: "a".into(),
        bytes: 1024,
        sent: Instant::now(),
        done: false,
        end: end.map(|at| End {
            at: Position(at),
            stored: true,
        }),
    }
}

#[test]
fn a_record_is_delivered_when_everything_up_to_its_last_message_is() {
    let (mut window, mut width) = (Window::default(), Width::default());
    for end in [None, Some(10), Some(20), None, Some(30)] {
        window.push(flight(end));
    }
    window.settle(1);
    window.settle(2);
    assert_eq!(
        window.advance(&mut width),
        Delivered::default(),
        "0 is missing"
    );
    window.settle(0);
    let expected = Delivered {
        through: Some(Position(20)),
        acknowledged: 2,
        unconfirmed: 0,
    };
    assert_eq!(window.advance(&mut width), expected);
    window.settle(3);
    assert_eq!(
        window.advance(&mut width),
        Delivered::default(),
        "30 has two messages"
    );
    assert!(!window.is_empty());
    window.settle(4);
    assert_eq!(window.advance(&mut width).through, Some(Position(30)));
    assert!(window.is_empty());
    assert_eq!(window.next(), 5);
}

#[test]
fn a_second_acknowledgement_is_none() {
    let (mut window, mut width) = (Window::default(), Width::default());
    window.push(flight(Some(10)));
    window.push(flight(Some(20)));
    window.settle(0);
    assert!(window.get(0).is_none());
    assert_eq!(window.advance(&mut width).acknowledged, 1);
    assert!(window.get(0).is_none());
    window.settle(0);
    assert_eq!(window.advance(&mut width), Delivered::default());
    assert!(window.get(1).is_some());
    assert!(window.get(2).is_none());
}

#[test]
fn there_is_room_for_256_messages_or_4_mib() {
    let (mut window, mut width) = (Window::default(), Width::default());
    for _ in 0..MESSAGES {
        assert!(window.has_room(&width));
        window.push(flight(Some(1)));
    }
    assert!(!window.has_room(&width));
    window.settle(0);
    window.advance(&mut width);
    assert!(window.has_room(&width));
    window.push(Flight {
        bytes: BYTES,
        ..flight(Some(1))
    });
    for number in 1..200 {
        window.settle(number);
    }
    window.advance(&mut width);
    assert!(!window.has_room(&width), "too many bytes");
}

#[test]
fn a_lost_connection_halves_the_window_and_acknowledgements_open_it_again() {
    let (mut window, mut width) = (Window::default(), Width::default());
    for _ in 0..20 {
        width.halve();
    }
    for room in [1, 2, 4, 8] {
        for _ in 0..room {
            assert!(window.has_room(&width));
            window.push(flight(Some(1)));
        }
        assert!(!window.has_room(&width), "{room}");
        let first = window.next() - room;
        (first..window.next()).for_each(|number| window.settle(number));
        window.advance(&mut width);
    }
}
