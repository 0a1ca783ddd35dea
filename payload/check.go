package payload

// Check looks whether a document can be processed: it is a payload, a reference to one, or an event that holds such. It returns the id of a
// payload that is the only one of the document, and an error that says what is wrong. What is referenced is not looked at.
func Check(doc []byte) (id string, err error) {
	records := Extract(doc)
	for _, r := range records {
		if r.Err != nil {
			return "", r.Err
		}
		if r.Payload == nil {
			continue
		}
		parsed, err := Parse(r.Payload)
		if err != nil {
			return "", err
		}
		if len(records) == 1 {
			id = parsed.ID().String()
		}
	}
	return id, nil
}
