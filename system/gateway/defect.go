package gateway

// defect makes a known mistake with what presence says of a user, so that mutation tests can prove that the lab's
// properties see it: who was online once is so for ever.
func (w *watches) defect(at *watched, isOnline bool) bool {
	return isOnline || w.mutant == "online_for_ever" && at.state == online
}

// audience are the sessions that are told that a user's state has changed, unless there is a defect about that: only who
// knows nothing yet is told of who comes.
func (w *watches) audience(at *watched, before presenceState) []*session {
	if w.mutant == "arrivals_untold" && before == offline {
		return at.owed
	}
	return at.by
}
