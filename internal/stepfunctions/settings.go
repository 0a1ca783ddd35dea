package stepfunctions

import (
	"encoding/json"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

// Settings of a machine as the API has them.
type (
	logging struct {
		Level                *string          `json:"level"`
		IncludeExecutionData bool             `json:"includeExecutionData"`
		Destinations         []logDestination `json:"destinations,omitempty"`
	}
	logDestination struct {
		LogGroup struct {
			ARN string `json:"logGroupArn"`
		} `json:"cloudWatchLogsLogGroup"`
	}
	tracing struct {
		Enabled bool `json:"enabled"`
	}
	encryption struct {
		KeyID       *string `json:"kmsKeyId,omitempty"`
		ReuseSecond *int    `json:"kmsDataKeyReusePeriodSeconds,omitempty"`
		Type        *string `json:"type"`
	}
	settings struct {
		Logging    *logging    `json:"loggingConfiguration"`
		Tracing    *tracing    `json:"tracingConfiguration"`
		Encryption *encryption `json:"encryptionConfiguration"`
	}
)

func (s *settings) check(c *awsjson.Checks) {
	if s.Logging != nil {
		c.OneOf("loggingConfiguration.level", s.Logging.Level, "ALL", "ERROR", "FATAL", "OFF")
	}
	if e := s.Encryption; e != nil {
		if c.Present("encryptionConfiguration.type", e.Type != nil) {
			c.OneOf("encryptionConfiguration.type", e.Type, "AWS_OWNED_KEY", "CUSTOMER_MANAGED_KMS_KEY")
		}
		c.Length("encryptionConfiguration.kmsKeyId", e.KeyID, 1, 2048)
		c.Range("encryptionConfiguration.kmsDataKeyReusePeriodSeconds", e.ReuseSecond, 60, 900)
	}
}

// valid refuses settings that the model allows and the service does not.
func (s *settings) valid() error {
	if l := s.Logging; l != nil && text(l.Level) != "" && text(l.Level) != "OFF" && len(l.Destinations) != 1 {
		return awsjson.Errorf("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	if e := s.Encryption; e != nil && (text(e.Type) == "AWS_OWNED_KEY") != (e.KeyID == nil) {
		return awsjson.Errorf("InvalidEncryptionConfiguration", "Invalid Encryption Configuration: kmsKeyId belongs to the type CUSTOMER_MANAGED_KMS_KEY, and only there.")
	}
	return nil
}

// config is what the registry keeps: nothing for a setting that the request has not.
func (s *settings) config(role string) machine.Config {
	c := machine.Config{RoleARN: role}
	if s.Logging != nil {
		if s.Logging.Level == nil {
			off := "OFF"
			s.Logging.Level = &off
		}
		c.Logging = marshal(s.Logging)
	}
	if s.Tracing != nil {
		c.Tracing = marshal(s.Tracing)
	}
	if s.Encryption != nil {
		c.Encryption = marshal(s.Encryption)
	}
	return c
}

// withDefaults are the settings of a machine that names none (API reference, CreateStateMachine).
func withDefaults(c machine.Config) machine.Config {
	if c.Logging == nil {
		c.Logging = json.RawMessage(`{"level":"OFF","includeExecutionData":false}`)
	}
	if c.Tracing == nil {
		c.Tracing = json.RawMessage(`{"enabled":false}`)
	}
	if c.Encryption == nil {
		c.Encryption = json.RawMessage(`{"type":"AWS_OWNED_KEY"}`)
	}
	return c
}

func marshal(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic("stepfunctions: settings of plain fields do not marshal: " + err.Error()) // cannot happen
	}
	return text
}
