package services

// About is what a person is told of a service.
type About struct {
	Name string
	Does string
}

// Known lists the services, by the names that All gives them.
func Known() []About {
	return []About{
		{"scheduler", "makes the runs of schedules"},
		{"late-runs", "marks runs that nobody started in time"},
		{"pause-expirations", "fails runs that were paused and not resumed in time"},
		{"cancellation-cleanup", "ends what cancelled and crashed runs have started"},
		{"foreman", "takes back the status of workers, pools, queues and deployments that were not heard of"},
		{"repossessor", "ends the leases on concurrency slots that have expired"},
		{"heartbeats", "ends runs whose process has gone silent"},
		{"triggers", "evaluates automations and does their actions"},
		{"publications", "brings published events to the workspaces that have subscribed to them"},
		{"metrics", "makes figures of what happened to runs"},
		{"db-vacuum", "removes events, runs and logs that are too old"},
		{"resealing", "seals secrets again after a rotation of keys"},
		{"run-tokens", "forgets what let in the programs of runs that have ended"},
	}
}
