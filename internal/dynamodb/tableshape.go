package dynamodb

type attributeDefinition struct {
	AttributeName *string `api:"notnull"`
	AttributeType *string `api:"notnull,enum=B|N|S"`
}

type keySchemaElement struct {
	AttributeName *string `api:"notnull"`
	KeyType       *string `api:"notnull,enum=HASH|RANGE"`
}

type projection struct {
	ProjectionType   *string  `api:"enum=ALL|INCLUDE|KEYS_ONLY"`
	NonKeyAttributes []string `api:"min=1"`
}

type provisionedThroughput struct {
	WriteCapacityUnits *int64 `api:"notnull,min=1"`
	ReadCapacityUnits  *int64 `api:"notnull,min=1"`
}

type localSecondaryIndex struct {
	IndexName  *string            `api:"notnull,table,min=3,max=255"`
	KeySchema  []keySchemaElement `api:"notnull,min=1,max=2"`
	Projection *projection        `api:"notnull"`
}

type globalSecondaryIndex struct {
	IndexName             *string            `api:"notnull,table,min=3,max=255"`
	KeySchema             []keySchemaElement `api:"notnull,min=1,max=2"`
	Projection            *projection        `api:"notnull"`
	ProvisionedThroughput *provisionedThroughput
}

type streamSpecification struct {
	StreamEnabled  *bool   `api:"notnull"`
	StreamViewType *string `api:"enum=NEW_IMAGE|OLD_IMAGE|NEW_AND_OLD_IMAGES|KEYS_ONLY"`
}

type createTable struct {
	AttributeDefinitions   []attributeDefinition `api:"notnull"`
	TableName              *string               `api:"required,name,table"`
	BillingMode            *string               `api:"enum=PROVISIONED|PAY_PER_REQUEST"`
	ProvisionedThroughput  *provisionedThroughput
	KeySchema              []keySchemaElement `api:"notnull,min=1,max=2"`
	LocalSecondaryIndexes  []localSecondaryIndex
	GlobalSecondaryIndexes []globalSecondaryIndex
	StreamSpecification    *streamSpecification
}

type namedTable struct {
	TableName *string `api:"required,name,table"`
}

type updateGlobalSecondaryIndexAction struct {
	IndexName             *string                `api:"notnull,table,min=3,max=255"`
	ProvisionedThroughput *provisionedThroughput `api:"notnull"`
}

type deleteGlobalSecondaryIndexAction struct {
	IndexName *string `api:"notnull,table,min=3,max=255"`
}

type globalSecondaryIndexUpdate struct {
	Update *updateGlobalSecondaryIndexAction
	Create *globalSecondaryIndex
	Delete *deleteGlobalSecondaryIndexAction
}

type updateTable struct {
	TableName                   *string `api:"required,name,table"`
	ProvisionedThroughput       *provisionedThroughput
	BillingMode                 *string `api:"enum=PROVISIONED|PAY_PER_REQUEST"`
	GlobalSecondaryIndexUpdates []globalSecondaryIndexUpdate
	AttributeDefinitions        []attributeDefinition
	StreamSpecification         *streamSpecification
}

type listTables struct {
	Limit                   *int64  `api:"min=1,max=100"`
	ExclusiveStartTableName *string `api:"table,min=3,max=255"`
}

type timeToLiveSpecification struct {
	AttributeName *string `api:"notnull,min=1,max=255"`
	Enabled       *bool   `api:"notnull"`
}

type updateTimeToLive struct {
	TableName               *string                  `api:"required,name,table"`
	TimeToLiveSpecification *timeToLiveSpecification `api:"notnull"`
}
