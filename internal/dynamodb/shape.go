package dynamodb

import "sundog/internal/table"

// The types of requests have the names of the API reference but for the first letter, since texts of errors show them. Fields stand in the order in which complaints
// about them come.

type attributes = object[table.Raw]

type names = object[string]

// condition is a condition on an attribute, of KeyConditions and filters.
type condition struct {
	AttributeValueList []table.Raw
	ComparisonOperator *string `api:"notnull,enum=IN|NULL|BETWEEN|LT|NOT_CONTAINS|EQ|GT|NOT_NULL|NE|LE|BEGINS_WITH|GE|CONTAINS"`
}

// expectedAttributeValue is a condition on an attribute, of Expected.
type expectedAttributeValue struct {
	AttributeValueList []table.Raw
	ComparisonOperator *string `api:"enum=IN|NULL|BETWEEN|LT|NOT_CONTAINS|EQ|GT|NOT_NULL|NE|LE|BEGINS_WITH|GE|CONTAINS"`
	Exists             *bool
	Value              *table.Raw
}

// attributeValueUpdate is an update of an attribute, of AttributeUpdates.
type attributeValueUpdate struct {
	Action *string
	Value  *table.Raw
}

type getItem struct {
	ReturnConsumedCapacity   *string    `api:"enum=INDEXES|TOTAL|NONE"`
	AttributesToGet          []string   `api:"min=1,max=255"`
	TableName                *string    `api:"notnull,table,min=3,max=255"`
	Key                      attributes `api:"notnull"`
	ConsistentRead           *bool
	ProjectionExpression     *string
	ExpressionAttributeNames names
}

type putItem struct {
	ReturnConsumedCapacity              *string    `api:"enum=INDEXES|TOTAL|NONE"`
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	Item                                attributes `api:"notnull"`
	ConditionalOperator                 *string    `api:"enum=OR|AND"`
	Expected                            object[expectedAttributeValue]
	ReturnValues                        *string `api:"enum=ALL_NEW|UPDATED_OLD|ALL_OLD|NONE|UPDATED_NEW"`
	ReturnItemCollectionMetrics         *string `api:"enum=SIZE|NONE"`
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ConditionExpression                 *string
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

type deleteItem struct {
	ReturnConsumedCapacity              *string    `api:"enum=INDEXES|TOTAL|NONE"`
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	ReturnValues                        *string    `api:"enum=ALL_NEW|UPDATED_OLD|ALL_OLD|NONE|UPDATED_NEW"`
	ReturnItemCollectionMetrics         *string    `api:"enum=SIZE|NONE"`
	Key                                 attributes `api:"notnull"`
	ConditionalOperator                 *string    `api:"enum=OR|AND"`
	Expected                            object[expectedAttributeValue]
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ConditionExpression                 *string
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

type updateItem struct {
	ReturnConsumedCapacity              *string    `api:"enum=INDEXES|TOTAL|NONE"`
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	ReturnItemCollectionMetrics         *string    `api:"enum=SIZE|NONE"`
	ReturnValues                        *string    `api:"enum=ALL_NEW|UPDATED_OLD|ALL_OLD|NONE|UPDATED_NEW"`
	Key                                 attributes `api:"notnull"`
	ConditionalOperator                 *string    `api:"enum=OR|AND"`
	Expected                            object[expectedAttributeValue]
	AttributeUpdates                    object[attributeValueUpdate]
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ConditionExpression                 *string
	UpdateExpression                    *string
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

type query struct {
	Select                    *string `api:"enum=SPECIFIC_ATTRIBUTES|COUNT|ALL_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES"`
	IndexName                 *string `api:"table,min=3,max=255"`
	ReturnConsumedCapacity    *string `api:"enum=INDEXES|TOTAL|NONE"`
	QueryFilter               object[condition]
	TableName                 *string  `api:"notnull,table,min=3,max=255"`
	ConditionalOperator       *string  `api:"enum=OR|AND"`
	AttributesToGet           []string `api:"min=1,max=255"`
	Limit                     *int64   `api:"min=1"`
	KeyConditions             object[condition]
	ExclusiveStartKey         attributes
	ConsistentRead            *bool
	ScanIndexForward          *bool
	KeyConditionExpression    *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeValues attributes
	ExpressionAttributeNames  names
}

type scan struct {
	Select                    *string `api:"enum=SPECIFIC_ATTRIBUTES|COUNT|ALL_ATTRIBUTES|ALL_PROJECTED_ATTRIBUTES"`
	IndexName                 *string `api:"table,min=3,max=255"`
	TotalSegments             *int64  `api:"min=1,max=1000000"`
	ReturnConsumedCapacity    *string `api:"enum=INDEXES|TOTAL|NONE"`
	TableName                 *string `api:"notnull,table,min=3,max=255"`
	ConditionalOperator       *string `api:"enum=OR|AND"`
	ScanFilter                object[condition]
	Segment                   *int64   `api:"min=0,max=999999"`
	Limit                     *int64   `api:"min=1"`
	AttributesToGet           []string `api:"min=1,max=255"`
	ExclusiveStartKey         attributes
	ConsistentRead            *bool
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeValues attributes
	ExpressionAttributeNames  names
}

// keysAndAttributes is what BatchGetItem wants of a table.
type keysAndAttributes struct {
	Keys                     []attributes `api:"notnull,min=1,max=100"`
	AttributesToGet          []string     `api:"min=1,max=255"`
	ConsistentRead           *bool
	ProjectionExpression     *string
	ExpressionAttributeNames names
}

type batchGetItem struct {
	ReturnConsumedCapacity *string                   `api:"enum=INDEXES|TOTAL|NONE"`
	RequestItems           object[keysAndAttributes] `api:"notnull,min=1,keys"`
}

// putRequest is an item that BatchWriteItem puts.
type putRequest struct {
	Item attributes `api:"notnull"`
}

// deleteRequest is an item that BatchWriteItem deletes.
type deleteRequest struct {
	Key attributes `api:"notnull"`
}

// writeRequest is one of both.
type writeRequest struct {
	DeleteRequest *deleteRequest
	PutRequest    *putRequest
}

type batchWriteItem struct {
	ReturnConsumedCapacity      *string                `api:"enum=INDEXES|TOTAL|NONE"`
	ReturnItemCollectionMetrics *string                `api:"enum=SIZE|NONE"`
	RequestItems                object[[]writeRequest] `api:"notnull,min=1,keys,values=1:25"`
}

// putAction replaces an item within a transaction.
type putAction struct {
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	Item                                attributes `api:"notnull"`
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

// updateAction changes an item within a transaction.
type updateAction struct {
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	Key                                 attributes `api:"notnull"`
	UpdateExpression                    *string    `api:"notnull"`
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

// deleteAction removes an item within a transaction.
type deleteAction struct {
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	Key                                 attributes `api:"notnull"`
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure *string `api:"enum=ALL_OLD|NONE"`
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

// conditionCheck only checks an item within a transaction.
type conditionCheck struct {
	TableName                           *string    `api:"notnull,table,min=3,max=255"`
	Key                                 attributes `api:"notnull"`
	ConditionExpression                 *string    `api:"notnull"`
	ReturnValuesOnConditionCheckFailure *string    `api:"enum=ALL_OLD|NONE"`
	ExpressionAttributeValues           attributes
	ExpressionAttributeNames            names
}

// transactWriteItem is one of the four.
type transactWriteItem struct {
	ConditionCheck *conditionCheck
	Put            *putAction
	Delete         *deleteAction
	Update         *updateAction
}

type transactWriteItems struct {
	ReturnConsumedCapacity      *string             `api:"enum=INDEXES|TOTAL|NONE"`
	ReturnItemCollectionMetrics *string             `api:"enum=SIZE|NONE"`
	TransactItems               []transactWriteItem `api:"notnull,min=1,max=100"`
	ClientRequestToken          *string             `api:"min=1,max=36"`
}

// getRequest asks for an item within a transaction.
type getRequest struct {
	TableName                *string    `api:"notnull,table,min=3,max=255"`
	Key                      attributes `api:"notnull"`
	ProjectionExpression     *string
	ExpressionAttributeNames names
}

// transactGetItem is an item that TransactGetItems wants.
type transactGetItem struct {
	Get *getRequest `api:"notnull"`
}

type transactGetItems struct {
	ReturnConsumedCapacity *string           `api:"enum=INDEXES|TOTAL|NONE"`
	TransactItems          []transactGetItem `api:"notnull,min=1,max=100"`
}
