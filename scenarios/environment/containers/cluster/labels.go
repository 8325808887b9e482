package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/moby/moby/client"
)

// What belongs to a cluster carries these labels, so that it is found whoever looks for it.
const (
	labelCluster = "chatlab.cluster"
	labelServer  = "chatlab.server"
	labelOwner   = "chatlab.owner" // HOST/PID of the process that will remove it
)

// kept is the owner of a cluster that outlives the process that started it.
const kept = "kept"

func (c *Cluster) labels(server string) map[string]string {
	return map[string]string{labelCluster: c.id, labelServer: server, labelOwner: c.owner}
}

func owner() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// orphaned says whether a process of this host owned it that lives no more.
func orphaned(of string) bool {
	host, process, _ := strings.Cut(of, "/")
	pid, err := strconv.Atoi(process)
	mine, _ := os.Hostname()
	return err == nil && host == mine && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// sweep removes the clusters of processes that ended without doing so.
func (e *engine) sweep(ctx context.Context, log *slog.Logger) error {
	owners, err := e.clusters(ctx)
	if err != nil {
		return fmt.Errorf("look for leftovers: %w", err)
	}
	for cluster, owner := range owners {
		if !orphaned(owner) {
			continue
		}
		log.Warn("remove what a run left that crashed", "cluster", cluster, "owner", owner)
		if err := e.remove(ctx, cluster); err != nil {
			return fmt.Errorf("remove leftovers: %w", err)
		}
	}
	return nil
}

// clusters lists every cluster and its owner.
func (e *engine) clusters(ctx context.Context) (map[string]string, error) {
	labelled := make(client.Filters).Add("label", labelCluster)
	containers, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: labelled})
	if err != nil {
		return nil, err
	}
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: labelled})
	if err != nil {
		return nil, err
	}
	owners := map[string]string{}
	for _, c := range containers.Items {
		owners[c.Labels[labelCluster]] = c.Labels[labelOwner]
	}
	for _, n := range networks.Items {
		owners[n.Labels[labelCluster]] = n.Labels[labelOwner]
	}
	return owners, nil
}

// of selects what belongs to a cluster.
func of(cluster string) client.Filters {
	return make(client.Filters).Add("label", labelCluster+"="+cluster)
}

// remove removes a cluster's containers with what they stored, then its network.
func (e *engine) remove(ctx context.Context, cluster string) error {
	containers, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: of(cluster)})
	if err != nil {
		return err
	}
	failed := make([]error, len(containers.Items))
	var all sync.WaitGroup
	for i, c := range containers.Items {
		all.Go(func() {
			_, failed[i] = e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		})
	}
	all.Wait()
	networks, err := e.NetworkList(ctx, client.NetworkListOptions{Filters: of(cluster)})
	failed = append(failed, err)
	for _, n := range networks.Items {
		_, err := e.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
