package server

import (
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/delayerapi"
)

// scheduleRoutes are the routes of schedules.
func (s *Server) scheduleRoutes() []route {
	const one = api.PathSchedules + "/{id}"
	return []route{
		serves("POST", api.PathSchedules, access.Operate, s.createSchedule, "Schedule something, or several things",
			sends("a CreateSchedule, or one in each line of NDJSON", "application/json", api.ContentTypeNDJSON),
			gives[api.Schedule]("the schedule, or the one that has its key; to NDJSON, a ScheduleAccepted in each line", "application/json", api.ContentTypeNDJSON)),
		answers(s, "GET", api.PathSchedules, access.Read, s.listSchedules, "Schedules, in the order of their next points in time",
			query("from", "the next point in time is not before: in 1h, RFC 3339, Unix seconds"), query("until", "it is not after, like from"),
			query("status", "NEW, PROCESSED or PAUSED"), query("action", "a type of action"), query("key_prefix", "how their keys begin"), limit, next),
		answers(s, "GET", one, access.Read, s.schedule, "A schedule"),
		answers(s, "PUT", one, access.Operate, s.changeSchedule, "Replace everything of a schedule but its key", takes[api.CreateSchedule]),
		answers(s, "DELETE", one, access.Operate, s.cancelSchedule, "Cancel a schedule"),
		answers(s, "POST", one+"/pause", access.Operate, s.pauseSchedule, "Keep a schedule from firing until it is resumed"),
		answers(s, "POST", one+"/resume", access.Operate, s.resumeSchedule, "Let a paused schedule fire again"),
		answers(s, "POST", one+"/fire", access.Operate, s.fireSchedule, "Fire a schedule now, beside its own times"),
		answers(s, "GET", one+"/history", access.Read, s.scheduleHistory, "What happened to a schedule, in its order", limit, next),
		answers(s, "GET", api.PathGivenUp, access.Read, s.undelivered, "Deliveries of schedules that were given up",
			query("schedule", "those of the schedule with this id"), limit, next),
		answers(s, "POST", api.PathGivenUp+"/redrive", access.Operate, s.deliverAllAgain, "Deliver all of them again",
			query("schedule", "those of the schedule with this id")),
		answers(s, "GET", api.PathGivenUp+"/{id}", access.Read, s.undeliveredOne, "A delivery that was given up"),
		answers(s, "DELETE", api.PathGivenUp+"/{id}", access.Operate, s.deleteUndelivered, "Delete one"),
		answers(s, "POST", api.PathGivenUp+"/{id}/redrive", access.Operate, s.deliverAgain, "Deliver one again"),
		serves("POST", api.PathDelayer, access.Operate, s.delayer, "Schedule something, as delayer-aws does",
			sends("a request of delayer-aws", "application/json"), gives[delayerapi.Created]("the schedule's id", "application/json")),
	}
}
