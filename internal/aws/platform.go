// Package aws puts a deployment on AWS together: what its environment variables say, and out of that the parts that its handlers, its
// workers and its operators need.
//
// The variables are those of Cirrus, so that a deployment of Cirrus can be taken over as it is, and a few that begin with SUNDOG_. Whoever
// needs variables says which; every one that is missing or malformed is named at once.
package aws
