package api

// Trigger is a trigger of the project and how far it is behind.
type Trigger struct {
	Name   string `json:"name"`
	Source string `json:"source"` // its kind and name
	Target string `json:"target"` // its kind, and its name unless that is a URL
	Paused bool   `json:"paused"`
	// Position is the sequence number up to which every event is handled, or waits by itself after a call that failed. Empty for topics and queues.
	Position string `json:"position,omitempty"`
	Replays  int    `json:"replays"` // how often it was replayed
	Lag      Lag    `json:"lag"`
	// Waiting is how many events wait to be tried again after a call that failed; 10,000 stands for that many and more.
	Waiting int `json:"waiting"`
	// Queue is the queue that has the trigger's dead letters.
	Queue       string `json:"queue"`
	DeadLetters int64  `json:"dead_letters"`
}

// Lag is how far a trigger is behind.
type Lag struct {
	Events  int     `json:"events"`  // that were not handled; 10,000 stands for that many and more
	Seconds float64 `json:"seconds"` // the age of the oldest of them
}

// Triggers are the triggers of a server.
type Triggers struct {
	Triggers []Trigger `json:"triggers"`
}

// Replay lets a trigger handle events again.
type Replay struct {
	From string `json:"from"` // the first of them: a sequence number, a time (RFC 3339), or how long ago (24h); the oldest that is kept when empty
}
