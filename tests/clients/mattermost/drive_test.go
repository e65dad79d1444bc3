// Beside the plugin of docs/chat/mattermost.md: calls its hooks as the server does, on a post that
// is created, edited and deleted.
package main

import (
	"os"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
	"github.com/mattermost/mattermost/server/public/plugin"
	"github.com/mattermost/mattermost/server/public/plugin/plugintest"
)

func TestHooks(t *testing.T) {
	post := model.Post{
		Id: "ap8doms33tn1pj3ihjk3gmf4jy", CreateAt: 1682182575935, UpdateAt: 1682182575935,
		UserId: "cmr7sncacib4xfhd6yo3n4tf5e", ChannelId: "1waumyyd6jyczrxntuiopybygy",
		Message: "hello",
	}
	api := &plugintest.API{}
	api.On("GetUser", post.UserId).Return(&model.User{Username: "ana"}, nil)
	api.On("GetChannel", post.ChannelId).Return(&model.Channel{DisplayName: "Town Square"}, nil)
	settings := map[string]any{"url": os.Getenv("URL"), "token": os.Getenv("CHAT_TOKEN")}
	api.On("GetPluginConfig").Return(settings)
	announcer := &announcer{}
	announcer.SetAPI(api)
	var hooks interface {
		MessageHasBeenPosted(*plugin.Context, *model.Post)
		MessageHasBeenUpdated(*plugin.Context, *model.Post, *model.Post)
		MessageHasBeenDeleted(*plugin.Context, *model.Post)
	} = announcer
	hooks.MessageHasBeenPosted(nil, &post)
	edited := post
	edited.EditAt, edited.Message = 1682311574630, "hello again"
	hooks.MessageHasBeenUpdated(nil, &edited, &post)
	hooks.MessageHasBeenDeleted(nil, &edited)
	api.AssertExpectations(t)
}
