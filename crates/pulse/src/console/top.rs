//! `pulse top`: one loop around a pure state. See `README.md` beside this file.

use std::io;
use std::thread;

use ratatui::crossterm::event::{
    self, Event as Input, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::conn::session;
use super::message::Event;
use super::state::{End, Key, State};
use super::stop::Stop;
use super::terminal::Screen;
use super::{ConsoleError, options::TopOptions, target::Target, view};
use crate::Error;

/// So many updates wait for the terminal before the service has to wait.
const EVENTS: usize = 16;
/// Nobody types faster than a screen is drawn; text that is pasted waits.
const KEYS: usize = 64;

/// Until the operator or the system wants it to end.
pub(crate) async fn run(options: &TopOptions) -> Result<(), Error> {
    let target = Target::new(&options.connection())?;
    if !Screen::is_possible() {
        return Err(ConsoleError::NoTerminal.into());
    }
    let mut stop = Stop::new().map_err(ConsoleError::Terminal)?;
    let (events_in, mut events) = mpsc::channel(EVENTS);
    let (requests, requests_out) = mpsc::unbounded_channel();
    let mut screen = Screen::take().map_err(ConsoleError::Terminal)?;
    let mut keys = read_keys().map_err(ConsoleError::Terminal)?;
    tokio::spawn(session(target, options.interval(), requests_out, events_in));

    let mut state = State::default();
    loop {
        screen.draw(|frame| view::draw(frame, &state)).map_err(ConsoleError::Terminal)?;
        let mut next = tokio::select! {
            key = keys.recv() => Some(Next::of_key(key)?),
            event = events.recv() => Some(Next::of_event(event)?),
            () = stop.asked() => return Ok(()),
        };
        // All that is there already, then one frame for it.
        while let Some(taken) = next.take() {
            let wanted = match taken {
                Next::Key(key) => state.press(key),
                Next::Event(event) => state.apply(event),
                Next::Redraw => Vec::new(),
            };
            for request in wanted {
                // Its end is noticed where events come from.
                let _ = requests.send(request);
            }
            match state.end.take() {
                Some(End::Wanted) => return Ok(()),
                Some(End::Because(error)) => return Err(error.into()),
                None => {}
            }
            next = keys.try_recv().ok().map(Pressed::into_next);
            next = next.or_else(|| events.try_recv().ok().map(Next::Event));
        }
    }
}

/// What the loop takes.
enum Next {
    Key(Key),
    Event(Event),
    Redraw,
}

impl Next {
    fn of_key(pressed: Option<Pressed>) -> Result<Self, ConsoleError> {
        let gone = || ConsoleError::Terminal(io::Error::other("it cannot be read any more"));
        pressed.map(Pressed::into_next).ok_or_else(gone)
    }

    /// The session ends before its channel only by a panic.
    fn of_event(event: Option<Event>) -> Result<Self, ConsoleError> {
        event.map(Self::Event).ok_or(ConsoleError::Failed)
    }
}

/// What the terminal tells.
enum Pressed {
    Key(Key),
    Resized,
}

impl Pressed {
    fn into_next(self) -> Next {
        match self {
            Self::Key(key) => Next::Key(key),
            Self::Resized => Next::Redraw,
        }
    }
}

fn read_keys() -> io::Result<Receiver<Pressed>> {
    let (sender, receiver) = mpsc::channel(KEYS);
    thread::Builder::new().name("pulse-keys".to_owned()).spawn(move || read_into(&sender))?;
    Ok(receiver)
}

/// Until the terminal has gone, or nobody wants keys.
fn read_into(sender: &Sender<Pressed>) {
    while let Ok(input) = event::read() {
        let pressed = match input {
            Input::Key(key) => key_of(key).map(Pressed::Key),
            Input::Resize(..) => Some(Pressed::Resized),
            _ => None,
        };
        if pressed.is_some_and(|pressed| sender.blocking_send(pressed).is_err()) {
            return;
        }
    }
}

fn key_of(key: KeyEvent) -> Option<Key> {
    // Some terminals tell that a key is let go.
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return match key.code {
            KeyCode::Char('c') => Some(Key::Interrupt),
            KeyCode::Char('u') => Some(Key::Clear),
            _ => None,
        };
    }
    Some(match key.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
