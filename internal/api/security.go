package api

// SecurityReport says what a server makes of what the product promises about security.
type SecurityReport struct {
	Version string        `json:"version"`
	Rows    []SecurityRow `json:"rows"`
}

// SecurityRow is one promise, what the installation makes of it, and what proves it.
type SecurityRow struct {
	ID      string `json:"id"`
	Level   string `json:"level"` // must, should, operator
	Promise string `json:"promise"`
	Live    string `json:"live"`
	// Weak says that a setting takes something away from the promise.
	Weak bool `json:"weak"`
	// Proof is proven, partly proven or not proven, by Tests; Missing is what they don't show.
	Proof   string   `json:"proof"`
	Tests   []string `json:"tests"`
	Missing string   `json:"missing"`
}

// DataMapRow says of the columns of a class in a table what they are and how long they are
// kept.
type DataMapRow struct {
	Table   string   `json:"table"`
	Class   string   `json:"class"` // metadata, user, credential, log, audit
	Columns []string `json:"columns"`
	Purpose string   `json:"purpose"`
	Kept    string   `json:"kept"`
}
