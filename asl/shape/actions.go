package shape

import (
	"math"
	"strings"
)

// Of returns the shape of the result of an action, or nil when it is not known. The service and the action are those of a Task state's
// resource: arn:aws:states:::<service>:<action>, where the service may begin with "aws-sdk:". Actions with a suffix (.sync,
// .waitForTaskToken) have results of other forms, which are not known.
func Of(service, action string) *Shape {
	switch strings.TrimPrefix(service, "aws-sdk:") + ":" + action {
	case "batch:submitJob":
		return objectOf(fields{"JobArn": str(), "JobName": str(), "JobId": str()}).require("JobName", "JobId")
	case "dynamodb:getItem":
		return objectOf(fields{"Item": mapOf(attributeValue()), "ConsumedCapacity": consumedCapacity()})
	case "dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem":
		return objectOf(fields{
			"Attributes": mapOf(attributeValue()), "ConsumedCapacity": consumedCapacity(),
			"ItemCollectionMetrics": objectOf(fields{"ItemCollectionKey": mapOf(attributeValue()), "SizeEstimateRangeGB": arrayOf(num())}),
		})
	case "events:putEvents", "eventbridge:putEvents":
		entry := objectOf(fields{"EventId": str(), "ErrorCode": str(), "ErrorMessage": str()})
		return objectOf(fields{"FailedEntryCount": num(), "Entries": arrayOf(entry)})
	case "kms:encrypt":
		return objectOf(fields{
			"CiphertextBlob": bytesWithin(1, 6144), "KeyId": strWithin(1, 2048),
			"EncryptionAlgorithm": oneOf("SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"),
		})
	case "lambda:invoke":
		return objectOf(fields{
			"StatusCode": num(), "FunctionError": str(), "LogResult": str(), "Payload": {}, "ExecutedVersion": strWithin(1, 1024),
		})
	case "lambda:getFunction":
		return objectOf(fields{
			"Configuration": functionConfiguration(),
			"Code": objectOf(fields{
				"RepositoryType": str(), "Location": str(), "ImageUri": str(), "ResolvedImageUri": str(), "SourceKMSKeyArn": str(),
			}),
			"Tags":        mapOf(str()),
			"Concurrency": objectOf(fields{"ReservedConcurrentExecutions": atLeast(0)}),
		})
	case "s3:getObject":
		return s3Object()
	case "sns:publish":
		return objectOf(fields{"MessageId": str(), "SequenceNumber": str()})
	case "sqs:sendMessage":
		return objectOf(fields{
			"MD5OfMessageBody": str(), "MD5OfMessageAttributes": str(), "MD5OfMessageSystemAttributes": str(),
			"MessageId": str(), "SequenceNumber": str(),
		})
	case "states:startExecution", "sfn:startExecution":
		return objectOf(fields{"ExecutionArn": strWithin(1, 256), "StartDate": str()}).require("ExecutionArn", "StartDate")
	}
	return nil
}

// attributeValue is a value of DynamoDB (API reference, AttributeValue).
func attributeValue() *Shape {
	v := objectOf(fields{
		"S": str(), "N": str(), "B": binary(), "SS": arrayOf(str()), "NS": arrayOf(str()), "BS": arrayOf(binary()), "BOOL": flag(), "NULL": flag(),
	})
	v.fields["M"], v.fields["L"] = mapOf(v), arrayOf(v)
	return v
}

func consumedCapacity() *Shape {
	capacity := func() fields {
		return fields{"CapacityUnits": num(), "ReadCapacityUnits": num(), "WriteCapacityUnits": num()}
	}
	all := capacity()
	all["TableName"], all["Table"] = strWithin(1, 1024), objectOf(capacity())
	all["LocalSecondaryIndexes"], all["GlobalSecondaryIndexes"] = mapOf(objectOf(capacity())), mapOf(objectOf(capacity()))
	return objectOf(all)
}

func functionConfiguration() *Shape {
	failure := objectOf(fields{"ErrorCode": str(), "Message": str()})
	return objectOf(fields{
		"FunctionName": strWithin(1, 170), "FunctionArn": str(), "Runtime": str(), "Role": str(), "Handler": strWithin(0, 128),
		"CodeSize": num(), "Description": strWithin(0, 256), "Timeout": atLeast(1), "MemorySize": within(128, 10_240), "LastModified": str(),
		"CodeSha256": str(), "Version": strWithin(1, 1024), "KMSKeyArn": str(), "MasterArn": str(), "RevisionId": str(),
		"VpcConfig": objectOf(fields{
			"SubnetIds": arrayOf(str()), "SecurityGroupIds": arrayOf(str()), "VpcId": str(), "Ipv6AllowedForDualStack": flag(),
		}),
		"DeadLetterConfig": objectOf(fields{"TargetArn": str()}),
		"Environment":      objectOf(fields{"Variables": mapOf(str()), "Error": failure}),
		"TracingConfig":    objectOf(fields{"Mode": oneOf("Active", "PassThrough")}),
		"Layers": arrayOf(objectOf(fields{
			"Arn": strWithin(1, 140), "CodeSize": num(), "SigningProfileVersionArn": str(), "SigningJobArn": str(),
		})),
		"State": oneOf("Pending", "Active", "Inactive", "Failed"), "StateReason": str(), "StateReasonCode": str(),
		"LastUpdateStatus": oneOf("Successful", "Failed", "InProgress"), "LastUpdateStatusReason": str(), "LastUpdateStatusReasonCode": str(),
		"FileSystemConfigs": arrayOf(objectOf(fields{"Arn": strWithin(0, 200), "LocalMountPath": strWithin(0, 160)}).require("Arn", "LocalMountPath")),
		"PackageType":       oneOf("Zip", "Image"), "SigningProfileVersionArn": str(), "SigningJobArn": str(),
		"ImageConfigResponse": objectOf(fields{
			"ImageConfig": objectOf(fields{"EntryPoint": arrayOf(str()), "Command": arrayOf(str()), "WorkingDirectory": strWithin(0, 1000)}),
			"Error":       failure,
		}),
		"Architectures":        arrayOf(oneOf("x86_64", "arm64")),
		"EphemeralStorage":     objectOf(fields{"Size": within(512, 10_240)}).require("Size"),
		"SnapStart":            objectOf(fields{"ApplyOn": oneOf("PublishedVersions", "None"), "OptimizationStatus": oneOf("On", "Off")}),
		"RuntimeVersionConfig": objectOf(fields{"RuntimeVersionArn": strWithin(26, 2048), "Error": failure}),
		"LoggingConfig": objectOf(fields{
			"LogFormat":           oneOf("JSON", "Text"),
			"ApplicationLogLevel": oneOf("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
			"SystemLogLevel":      oneOf("DEBUG", "INFO", "WARN"), "LogGroup": strWithin(1, 512),
		}),
	})
}

func s3Object() *Shape {
	all := fields{
		"DeleteMarker": flag(), "BucketKeyEnabled": flag(),
		"ContentLength": num(), "MissingMeta": num(), "PartsCount": num(), "TagCount": num(), "Metadata": mapOf(str()),
		"ServerSideEncryption": oneOf("AES256", "aws:fsx", "aws:kms", "aws:kms:dsse"),
		"StorageClass": oneOf("STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
			"OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP"),
		"RequestCharged":            oneOf("requester"),
		"ReplicationStatus":         oneOf("COMPLETE", "PENDING", "FAILED", "REPLICA", "COMPLETED"),
		"ChecksumType":              oneOf("COMPOSITE", "FULL_OBJECT"),
		"ObjectLockMode":            oneOf("GOVERNANCE", "COMPLIANCE"),
		"ObjectLockLegalHoldStatus": oneOf("ON", "OFF"),
	}
	for _, name := range []string{
		"AcceptRanges", "Expiration", "Restore", "LastModified", "ETag", "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1",
		"ChecksumSHA256", "VersionId", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentRange", "ContentType",
		"Expires", "ExpiresString", "WebsiteRedirectLocation", "SSECustomerAlgorithm", "SSECustomerKeyMD5", "SSEKMSKeyId", "ObjectLockRetainUntilDate",
	} {
		all[name] = str()
	}
	return objectOf(all)
}

type fields map[string]*Shape

func objectOf(f fields) *Shape { return &Shape{kind: object, fields: f} }

func (s *Shape) require(names ...string) *Shape {
	s.required = names
	return s
}

func mapOf(element *Shape) *Shape   { return &Shape{kind: mapping, element: element} }
func arrayOf(element *Shape) *Shape { return &Shape{kind: array, element: element} }

func str() *Shape                   { return &Shape{kind: text} }
func oneOf(values ...string) *Shape { return &Shape{kind: text, values: values} }
func binary() *Shape                { return &Shape{kind: blob} }
func flag() *Shape                  { return &Shape{kind: boolean} }
func num() *Shape                   { return &Shape{kind: number} }

func strWithin(least, most float64) *Shape {
	return &Shape{kind: text, bounded: true, min: least, max: most}
}

func bytesWithin(least, most float64) *Shape {
	return &Shape{kind: blob, bounded: true, min: least, max: most}
}

func within(least, most float64) *Shape {
	return &Shape{kind: number, bounded: true, min: least, max: most}
}

func atLeast(least float64) *Shape { return within(least, math.MaxInt32) }
