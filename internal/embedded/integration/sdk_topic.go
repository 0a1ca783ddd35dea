package integration

import (
	"context"
	"encoding/json"
	"errors"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/topic"
)

// publishBatchParameters are those of PublishBatch (SNS API Reference).
type publishBatchParameters struct {
	TopicArn                   string
	PublishBatchRequestEntries []struct {
		ID                string `json:"Id"`
		Message           json.RawMessage
		Subject           string
		MessageStructure  string
		MessageAttributes map[string]messageAttribute
	}
}

// publishBatch is aws-sdk:sns:publishBatch. What can be published of it is published in one transaction.
func (r *Runner) publishBatch(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p publishBatchParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	name := lastPart(p.TopicArn)
	seen := map[string]bool{}
	for _, e := range p.PublishBatchRequestEntries {
		if seen[e.ID] || e.ID == "" {
			return nil, sns.fail(task, fault{exception: "BatchEntryIdsNotDistinctException", status: 400, message: "Two or more batch entries in the request have the same Id"})
		}
		seen[e.ID] = true
	}
	switch {
	case !r.Topics.Known(name):
		return nil, sns.fail(task, fault{exception: "NotFoundException", status: 404, message: "Topic does not exist"})
	case len(seen) == 0:
		return nil, sns.fail(task, fault{exception: "EmptyBatchRequestException", status: 400, message: "The batch request doesn't contain any entries"})
	case len(seen) > maxBatchEntries:
		return nil, sns.fail(task, fault{exception: "TooManyEntriesInBatchRequestException", status: 400, message: "The batch request contains more entries than permissible"})
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		var b batch
		for _, e := range p.PublishBatchRequestEntries {
			one := publishParameters{TopicArn: p.TopicArn, Message: e.Message, Subject: e.Subject, MessageStructure: e.MessageStructure, MessageAttributes: e.MessageAttributes}
			draft, reason := one.draft()
			if reason != "" {
				b.fail(e.ID, "InvalidParameter", "Invalid parameter: "+reason)
				continue
			}
			ids, err := r.Topics.PublishTx(tx, name, draft)
			switch {
			case errors.Is(err, topic.ErrTooLarge), errors.Is(err, topic.ErrInvalidMessage):
				b.fail(e.ID, "InvalidParameter", "Invalid parameter: "+err.Error())
			case err != nil:
				return nil, err
			default:
				b.Successful = append(b.Successful, map[string]any{"Id": e.ID, "MessageId": ids[0]})
			}
		}
		return b.document()
	})
}
