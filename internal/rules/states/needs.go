package states

// Facts are parts of an Input that cost a query and that few transitions read.
type Facts uint8

// The facts, named after the fields of Input.
const (
	NeedDeployment Facts = 1 << iota
	NeedLeaseHeld
	NeedSiblings
	NeedFlowRun
	NeedTagLimits
	NeedCached
	NeedGivenBack
)

// Has says that all facts of other are in f.
func (f Facts) Has(other Facts) bool { return f&other == other }

// Needs returns the facts that Decide may read for in. The fields that no Need constant
// names must be set already.
func Needs(in *Input) Facts {
	var needs Facts
	from, to := setOf(in.Current), typeSet(in.Proposed.Type)
	for _, r := range policyOf(in) {
		if r.from.has(from) && r.to.has(to) {
			needs |= r.reads
		}
	}
	needs &^= pointless(in)
	if needs.Has(NeedLeaseHeld) {
		needs |= NeedDeployment // only its limit can replace a lost lease
	}
	return needs
}

// pointless returns the facts that can't exist for in.
func pointless(in *Input) Facts {
	var none Facts
	if in.DeploymentID == nil {
		none |= NeedDeployment | NeedLeaseHeld | NeedGivenBack
	}
	if in.DeploymentID == nil || in.ScheduleID == nil {
		none |= NeedSiblings
	}
	if in.Current == nil || in.Current.StateDetails.DeploymentConcurrencyLeaseID == nil {
		none |= NeedLeaseHeld
	}
	if in.FlowRunID == nil {
		none |= NeedFlowRun
	}
	if len(in.Tags) == 0 {
		none |= NeedTagLimits
	}
	if !readsCache(&in.Proposed) {
		none |= NeedCached
	}
	return none
}
